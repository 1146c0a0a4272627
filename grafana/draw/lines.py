"""Values over time: lines, areas upon another, bars, and a band between two lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

from grafana.draw import svg
from grafana.draw.settings import PALETTE, Settings, with_unit
from grafana.draw.svg import FAINT, SOFT, Area
from grafana.reading import Shown, Window

LEGEND = 16
"""Height of a line of the legend."""
LEGEND_LINES = 3
CLOCK = 110
"""Width that a time below the plot takes."""
DASH = {"dash": "7 5", "solid": ""}


Place = Callable[[float, float], tuple[float, float]]
"""Where on the page a moment and a value are."""


class Line(NamedTuple):
    """One series, ready to be drawn: `low` is what it stands on."""

    name: str
    points: Sequence[tuple[float, float]]
    settings: Settings
    colour: str
    low: Sequence[float]


def draw(shown: Shown, area: Area, window: Window) -> Iterator[str]:
    """The panel's inside."""
    lines = list(_lines(shown))
    legend = _legend(lines, area)
    plot = area.inset(58, 6, 8, 20 + LEGEND * len(legend))
    low, high = _range(shown, lines)
    defaults = Settings(shown.panel, "")

    def at(moment: float, value: float) -> tuple[float, float]:
        across = (moment - window.start) / (window.end - window.start)
        up = (min(high, max(low, value)) - low) / (high - low)
        return plot.x + across * plot.width, plot.bottom - up * plot.height

    for mark in _marks(low, high):
        height = at(window.start, mark)[1]
        yield svg.path([(plot.x, height), (plot.right, height)], FAINT, width=1)
        yield svg.text(
            plot.x - 6, height + 4, with_unit(mark, defaults.get("unit")), size=10, fill=SOFT, anchor="end"
        )
    fits = max(1, min(4, int(plot.width // CLOCK)))
    for share in (each / fits for each in range(fits + 1)):
        moment = window.start + share * (window.end - window.start)
        anchor = {0.0: "start", 1.0: "end"}.get(share, "middle")
        clock = datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")
        yield svg.text(plot.x + share * plot.width, plot.bottom + 14, clock, size=10, fill=SOFT, anchor=anchor)
    if defaults.get("custom.thresholdsStyle"):
        for step in defaults.get("thresholds")["steps"][1:]:
            if low <= step["value"] <= high:
                height = at(window.start, step["value"])[1]
                yield svg.path([(plot.x, height), (plot.right, height)], svg.hue(step["color"]), dash=DASH["dash"])
    by_name = {line.name: line for line in lines}
    for line in lines:
        yield from _line(line, by_name, at, plot, window)
    for row, entries in enumerate(legend):
        yield from _entries(entries, area, plot.bottom + 34 + LEGEND * row)


def _lines(shown: Shown) -> Iterator[Line]:
    stacks: dict[float, float] = {}
    below: dict[float, float] = {}
    place = 0
    for answer in shown.answers.values():
        for series in answer:
            points = [(at, value) for at, value in series.points if isfinite(value)]
            settings = Settings(shown.panel, series.name)
            fixed = settings.get("color", {})
            colour = svg.hue(fixed["fixedColor"]) if fixed.get("mode") == "fixed" else PALETTE[place % len(PALETTE)]
            place += 1
            low = [0.0] * len(points)
            if settings.get("custom.stacking", {}).get("mode") == "normal":
                raised = []
                for index, (at, value) in enumerate(points):
                    stack = stacks if value >= 0 else below
                    low[index] = stack.get(at, 0.0)
                    stack[at] = low[index] + value
                    raised.append((at, stack[at]))
                points = raised
            yield Line(series.name, points, settings, colour, low)


def _range(shown: Shown, lines: Iterable[Line]) -> tuple[float, float]:
    defaults = shown.panel["fieldConfig"]["defaults"]
    values = [value for line in lines for _, value in line.points] or [0.0, 1.0]
    low, high = min(values), max(values)
    room = (high - low or abs(high) or 1.0) * 0.08
    low, high = defaults.get("min", low - room), defaults.get("max", high + room)
    return (low, high) if low < high else (low, low + 1)


def _marks(low: float, high: float) -> list[float]:
    rough = (high - low) / 4
    size = 10 ** floor(log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough * 0.999)
    return [step * each for each in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def _line(line: Line, by_name: Mapping[str, Line], at: Place, plot: Area, window: Window) -> Iterator[str]:
    settings = line.settings
    spots = [at(*point) for point in line.points]
    if not spots:
        return
    opacity = settings.get("custom.fillOpacity", 0) / 100
    if settings.get("custom.drawStyle") == "bars":
        width = max(1.0, plot.width * window.step / (window.end - window.start) * 0.8)
        for (moment, _), (x, y), low in zip(line.points, spots, line.low, strict=True):
            base = at(moment, low)[1]
            yield svg.box(Area(x - width / 2, min(y, base), width, abs(base - y)), line.colour, opacity=0.8)
        return
    other = by_name.get(settings.get("custom.fillBelowTo"))
    if other is not None and other.points:
        yield svg.polygon([*spots, *(at(*point) for point in reversed(other.points))], line.colour, opacity)
    elif opacity:
        floor_ = [at(moment, low) for (moment, _), low in zip(line.points, line.low, strict=True)]
        yield svg.polygon([*spots, *reversed(floor_)], line.colour, opacity)
    width = settings.get("custom.lineWidth", 1)
    if width:
        dash = " ".join(map(str, settings.get("custom.lineStyle", {}).get("dash", ())))
        for run in _runs(line.points, spots, 3 * max(window.step, window.scrape)):
            yield svg.path(run, line.colour, width=width + 0.4, dash=dash)


def _runs(
    points: Sequence[tuple[float, float]], spots: Sequence[tuple[float, float]], most: float
) -> Iterator[list[tuple[float, float]]]:
    """The line in pieces: it is broken where nothing was known for longer than `most` seconds."""
    run: list[tuple[float, float]] = []
    before = None
    for (moment, _), spot in zip(points, spots, strict=True):
        if before is not None and moment - before > most:
            yield run
            run = []
        run.append(spot)
        before = moment
    if len(run) == 1:
        run = [run[0], (run[0][0] + 2, run[0][1])]
    yield run


def _legend(lines: Sequence[Line], area: Area) -> list[list[tuple[str, str]]]:
    """Names with their colours, in lines that fit."""
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for place, line in enumerate(lines):
        wide = 24 + len(line.name) * 11 * svg.LETTER
        if used + wide > area.width and rows[-1]:
            if len(rows) == LEGEND_LINES:
                rows[-1][-1] = (f"… {len(lines) - place + 1} more", SOFT)
                break
            rows.append([])
            used = 0.0
        rows[-1].append((line.name, line.colour))
        used += wide
    return rows if rows[0] else []


def _entries(entries: Iterable[tuple[str, str]], area: Area, y: float) -> Iterator[str]:
    x = area.x + 8
    for name, colour in entries:
        yield svg.box(Area(x, y - 8, 10, 4), colour)
        yield svg.text(x + 14, y - 2, name, size=11, fill=SOFT)
        x += 24 + len(name) * 11 * svg.LETTER
