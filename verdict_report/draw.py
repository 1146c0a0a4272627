"""Line charts as SVG, so that the report needs no drawing library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from math import log10
from typing import NamedTuple

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 50, 60
COLOURS = ("#2f6feb", "#bc6c00", "#1a7f37", "#8250df", "#cf222e")
INK, PALE = "#1f2328", "#d0d7de"


class Line(NamedTuple):
    """Points to join, in the units of the axes."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int = 0
    dashed: bool = False


class Axis(NamedTuple):
    """A scale with its marks."""

    title: str
    low: float
    high: float
    marks: Sequence[float]
    shown: Callable[[float], str] = str
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where on the axis a value is, from 0 to 1."""
        if self.logarithmic:
            return (log10(max(value, self.low)) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def chart(
    title: str, told: str, axes: tuple[Axis, Axis], lines: Iterable[Line], bars: Iterable[tuple[float, str]] = ()
) -> str:
    """A chart of lines over two axes. `bars` are heights at which a rule is drawn, with their names."""
    x, y = axes
    right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across = min(1.0, max(0.0, x.share(point[0])))
        up = min(1.0, max(0.0, y.share(point[1])))
        return LEFT + across * (right - LEFT), floor - up * (floor - TOP)

    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="ui-sans-serif, system-ui, Helvetica, Arial, sans-serif" font-size="12" role="img" '
        'aria-labelledby="t d">'
    )
    parts = [
        frame,
        f'<title id="t">{escape(title)}</title><desc id="d">{escape(told)}</desc>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>',
        _text(LEFT, 28, title, size=15, weight=600),
        _text((LEFT + right) / 2, HEIGHT - 16, x.title, anchor="middle"),
        f'<g transform="translate(18 {(TOP + floor) / 2}) rotate(-90)">{_text(0, 0, y.title, anchor="middle")}</g>',
    ]
    for mark in x.marks:
        across, _ = at((mark, y.low))
        parts.append(_rule(across, TOP, across, floor))
        parts.append(_text(across, floor + 18, x.shown(mark), anchor="middle"))
    for mark in y.marks:
        _, up = at((x.low, mark))
        parts.append(_rule(LEFT, up, right, up))
        parts.append(_text(LEFT - 8, up + 4, y.shown(mark), anchor="end"))
    for height, name in bars:
        _, up = at((x.low, height))
        parts.append(f'<path d="M{LEFT} {up:.1f}H{right}" stroke="{INK}" stroke-dasharray="2 3"/>')
        parts.append(_text(right - 6, up - 6, name, anchor="end"))
    for place, line in enumerate(lines):
        colour, dash = COLOURS[line.colour], ' stroke-dasharray="6 4"' if line.dashed else ""
        path = "L".join(f"{across:.1f} {up:.1f}" for across, up in map(at, line.points))
        height = TOP + 10 + 20 * place
        key = f"M{right + 14} {height}h22"
        parts += [
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>',
            f'<path d="{key}" stroke="{colour}" stroke-width="2"{dash}/>',
            _text(right + 42, height + 4, line.name),
        ]
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{PALE}"/>'
