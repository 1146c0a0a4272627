"""The few shapes that the pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

INK, SOFT, FAINT, PAPER = "#1f2328", "#656d76", "#d8dee4", "#ffffff"
LETTER = 0.56
"""Width of a letter, of its size, on average."""
NAMED = {
    "text": INK,
    "green": "#2da44e",
    "yellow": "#d29922",
    "orange": "#e16f24",
    "red": "#cf222e",
    "blue": "#2f6feb",
    "purple": "#8250df",
}
"""Grafana's names of colours, as far as the boards use them."""


class Area(NamedTuple):
    """A rectangle on the page, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    def inset(self, left: float, top: float, right: float, bottom: float) -> Area:
        """What is left of it inside these borders."""
        return Area(self.x + left, self.y + top, self.width - left - right, self.height - top - bottom)


def hue(name: str) -> str:
    """A colour as SVG has it."""
    return NAMED.get(name, name)


def cut(text: str, width: float, size: float = 12) -> str:
    """As much of the text as fits into the width."""
    letters = max(1, int(width / (LETTER * size)))
    return text if len(text) <= letters else text[: letters - 1] + "…"


def text(
    x: float, y: float, words: str, *, size: float = 12, fill: str = INK, anchor: str = "start", weight: int = 400
) -> str:
    """Words on a base line."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}" text-anchor="{anchor}"'
        f' font-weight="{weight}">{escape(words)}</text>'
    )


def box(area: Area, fill: str, *, stroke: str = "none", round_by: float = 0, opacity: float = 1) -> str:
    """A filled rectangle."""
    width, height = max(0.0, area.width), max(0.0, area.height)
    return (
        f'<rect x="{area.x:.1f}" y="{area.y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        f' rx="{round_by:g}" fill="{fill}" stroke="{stroke}" opacity="{opacity:g}"/>'
    )


def path(points: Sequence[tuple[float, float]], stroke: str, *, width: float = 1.5, dash: str = "") -> str:
    """A line through the points."""
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{way}" fill="none" stroke="{stroke}" stroke-width="{width:g}" stroke-dasharray="{dash}"/>'


def polygon(points: Sequence[tuple[float, float]], fill: str, opacity: float) -> str:
    """A filled shape."""
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{way}Z" fill="{fill}" opacity="{opacity:g}"/>'
