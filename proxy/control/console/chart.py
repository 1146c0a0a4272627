"""The console's pictures, as SVG within the page: intervals, evidence, slip over time.

Colours are the style sheet's, by class. What a picture shows is also said in words, beside it or as its name.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from math import asinh, log
from typing import Any, NamedTuple

from proxy.control.console.history import Slip
from proxy.control.console.markup import NOTHING, Html, tag

WIDTH, HEIGHT = 240, 24
EDGE = 8
"""Room at both ends, for what reaches beyond."""
TICKS = (-100, -20, -5, 0, 1, 5, 20, 100)
"""Multiples of the margin that the scale names, where they fit."""
UNIT = 0.01
"""What stands for a margin of nothing."""


class Scale(NamedTuple):
    """Slips in multiples of their margin, so that the margins of all rows stand in one line.

    Linear near 0 and logarithmic beyond (asinh): a margin of 3 % and a slip of 50 % are both seen.
    """

    low: float
    high: float

    def at(self, slip: float, margin: float) -> float:
        """Where a slip stands, in units of the picture."""
        share = (asinh(slip / (margin or UNIT)) - self.low) / (self.high - self.low)
        return EDGE + min(1.0, max(0.0, share)) * (WIDTH - 2 * EDGE)


def scale_of(rows: Iterable[Mapping[str, Any]]) -> Scale:
    """One that all these guardrails fit on. Each has `margin`, `lower` and `upper`."""
    reached = [
        asinh(row[bound] / (row["margin"] or UNIT))
        for row in rows
        for bound in ("lower", "upper")
        if row[bound] is not None
    ]
    return Scale(min((asinh(-1.5), *reached)), max((asinh(3.0), *reached)))


def axis(scale: Scale) -> Html:
    """The scale's marks, to stand over the bands."""
    marks = [(n, scale.at(n, 1.0)) for n in TICKS if scale.low <= asinh(n) <= scale.high]
    names = {0: "0", 1: "margin"}
    shown = [
        tag("text", names.get(n, f"{n}×".replace("-", "−")), x=f"{x:.1f}", y=12, text_anchor="middle")
        for n, x in marks
        if n in names or abs(x - scale.at(1, 1.0)) > 36
    ]
    return _picture(WIDTH, 16, "axis", None, *shown)


def band(row: Mapping[str, Any], scale: Scale) -> Html:
    """One interval on the scale, with its estimate; what lies beyond the margin is tinted."""
    zero, margin = scale.at(0, 1.0), scale.at(1, 1.0)
    parts = [
        tag("rect", x=f"{margin:.1f}", y=0, width=f"{WIDTH - margin:.1f}", height=HEIGHT, class_="beyond"),
        tag("path", d=f"M{zero:.1f} 0V{HEIGHT}", class_="zero"),
        tag("path", d=f"M{margin:.1f} 0V{HEIGHT}", class_="margin"),
    ]
    if row["lower"] is not None and row["upper"] is not None and row["slip"] is not None:
        low, slip, high = (scale.at(row[name], row["margin"]) for name in ("lower", "slip", "upper"))
        y, r = HEIGHT / 2, 3
        width = max(2 * r, high - low)
        parts += [
            tag("rect", x=f"{low:.1f}", y=y - r, width=f"{width:.1f}", height=2 * r, rx=r, class_="interval"),
            tag("circle", cx=f"{slip:.1f}", cy=y, r=4.5, class_="estimate"),
        ]
    return _picture(WIDTH, HEIGHT, "band", None, *parts)


def evidence(e_value: float | None, threshold: float | None, kind: str) -> Html:
    """How far evidence has come to its bar, on a scale of logarithms."""
    if e_value is None or threshold is None:
        return NOTHING
    share = min(1.0, log(max(e_value, 1.0)) / log(threshold)) if threshold > 1 else 1.0
    width, height = 96, 8
    return _picture(
        width,
        height,
        f"evidence {kind}",
        None,
        tag("rect", x=0, y=2, width=width, height=4, rx=2, class_="track"),
        tag("rect", x=0, y=2, width=f"{share * width:.1f}", height=4, rx=2, class_="reached") if share else None,
        tag("path", d=f"M{width - 0.75} 0V{height}", class_="bar"),
    )


def over_time(name: str, samples: Sequence[tuple[float, Slip]], margin: float) -> Html:
    """The slip and its interval since the first sample, with the margin."""
    width, height, left, right, top, bottom = 300, 120, 44, 8, 8, 20
    first, last = samples[0][0], samples[-1][0]
    # The first intervals reach from wall to wall: the scale is that of what is known by now.
    settled = samples[len(samples) // 4 :]
    low = min(0.0, *(slip.lower for _, slip in settled))
    high = max(1.5 * margin, *(slip.upper for _, slip in settled))
    spread = (high - low) or 1.0

    def x(at: float) -> float:
        return left + (at - first) / ((last - first) or 1.0) * (width - left - right)

    def y(slip: float) -> float:
        return top + (high - min(high, max(low, slip))) / spread * (height - top - bottom)

    upper = "L".join(f"{x(at):.1f} {y(slip.upper):.1f}" for at, slip in samples)
    lower = "L".join(f"{x(at):.1f} {y(slip.lower):.1f}" for at, slip in reversed(samples))
    line = "L".join(f"{x(at):.1f} {y(slip.slip):.1f}" for at, slip in samples)
    inner = width - left - right
    beyond = tag("rect", x=left, y=top, width=inner, height=f"{y(margin) - top:.1f}", class_="beyond")
    marks = [0.0, *(mark for mark in (low, high) if abs(y(0.0) - y(mark)) > 16)]  # else they would overlap
    return _picture(
        width,
        height,
        "over-time",
        f"Slip of {name} from {clock(first)} to {clock(last)}: now {percent(samples[-1][1].slip, signed=True)}, "
        f"between {percent(samples[-1][1].lower, signed=True)} and {percent(samples[-1][1].upper, signed=True)}; "
        f"the margin is {percent(margin)}",
        beyond,
        tag("path", d=f"M{left} {y(0.0):.1f}H{width - right}", class_="zero"),
        tag("path", d=f"M{left} {y(margin):.1f}H{width - right}", class_="margin"),
        tag("path", d=f"M{upper}L{lower}Z", class_="interval"),
        tag("path", d=f"M{line}", class_="slip"),
        [
            tag("text", percent(mark, signed=True), x=left - 6, y=f"{y(mark) + 4:.1f}", text_anchor="end")
            for mark in marks
        ],
        tag("text", clock(first), x=left, y=height - 4),
        tag("text", clock(last), x=width - right, y=height - 4, text_anchor="end"),
    )


def percent(share: float | None, *, signed: bool = False) -> str:
    """A share as people read it; a dash where there is none."""
    if share is None:
        return "–"
    shown = f"{100 * share:+.1f}" if signed else f"{100 * share:.1f}"
    return f"{'0.0' if shown in ('+0.0', '-0.0') else shown}\u00a0%".replace("-", "−")


def clock(at: float) -> str:
    """A time of day, UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(at))


def _picture(width: int, height: int, class_: str, name: str | None, *parts: Html | list[Html] | None) -> Html:
    told = {"role": "img", "aria_label": name} if name else {"aria_hidden": "true"}
    return tag("svg", *parts, viewBox=f"0 0 {width} {height}", class_=class_, focusable="false", **told)
