"""Tiles, bars and states: one value a series, now or over time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import isfinite

from grafana.draw import svg
from grafana.draw.settings import Settings
from grafana.draw.svg import FAINT, INK, PAPER, SOFT, Area
from grafana.reading import Shown, Window

ROW = 26
MOST_ROWS = 14


def tile(shown: Shown, area: Area, _: Window) -> Iterator[str]:
    """One value, as large as it fits; the whole tile in its colour where it is judged."""
    series = shown.series
    settings = Settings(shown.panel, series[0].name if series else "")
    options = shown.panel["options"]
    words = series[0].name if options["textMode"] == "name" and series else ""
    fill, ink = None, INK
    if series and not words:
        value = series[0].last
        words = settings.shown(value)
        judged = options["colorMode"] == "background"
        fill, ink = (settings.colour(value), PAPER) if judged else (None, settings.colour(value))
    words = words or settings.get("noValue")
    if fill:
        yield svg.box(area.inset(4, 0, 4, 6), fill, round_by=4)
    size = min(34.0, area.width * 0.8 / (svg.LETTER * len(words)))
    yield svg.text(
        area.x + area.width / 2,
        area.y + area.height / 2 + size / 3 - 2,
        words,
        size=size,
        fill=ink,
        anchor="middle",
        weight=600,
    )


def bars(shown: Shown, area: Area, _: Window) -> Iterator[str]:
    """A bar for each series, by the values of now."""
    series = [each for each in shown.series if isfinite(each.last)][:MOST_ROWS]
    bounds = shown.panel["fieldConfig"]["defaults"]
    most = bounds.get("max") or max((each.last for each in series), default=0.0) or 1.0
    high = min(ROW, (area.height - 8) / max(1, len(series)))
    names = min(area.width * 0.42, max((len(each.name) for each in series), default=0) * 11 * svg.LETTER + 12)
    for place, each in enumerate(series):
        settings = Settings(shown.panel, each.name)
        lane = Area(area.x + 8 + names, area.y + 4 + place * high, area.width - names - 90, high - 5)
        middle = lane.y + lane.height / 2 + 4
        yield svg.text(area.x + 8, middle, svg.cut(each.name, names, 11), size=11)
        yield svg.box(lane, FAINT, opacity=0.6)
        yield svg.box(
            lane._replace(width=lane.width * min(1.0, max(0.0, each.last / most))), settings.colour(each.last)
        )
        yield svg.text(lane.right + 8, middle, settings.shown(each.last), size=11, weight=600)


def states(shown: Shown, area: Area, window: Window) -> Iterator[str]:
    """A row for each series, coloured by its state, with the states' names below."""
    series = shown.series[:MOST_ROWS]
    names = min(area.width * 0.4, max((len(each.name) for each in series), default=0) * 11 * svg.LETTER + 12)
    plot = area.inset(names + 8, 4, 8, 26)
    high = min(ROW + 4, plot.height / max(1, len(series)))
    defaults = Settings(shown.panel, "")

    def across(moment: float) -> float:
        return plot.x + plot.width * (moment - window.start) / (window.end - window.start)

    for place, each in enumerate(series):
        top = plot.y + place * high
        yield svg.text(area.x + 8, top + high / 2 + 3, svg.cut(each.name, names, 11), size=11)
        for value, run in groupby(each.points, key=lambda point: point[1]):
            moments = [moment for moment, _ in run]
            left, right = across(moments[0]), across(min(window.end, moments[-1] + window.step))
            yield svg.box(Area(left, top + 2, right - left, high - 5), defaults.colour(value), opacity=0.9)
    x = area.x + 8
    for mapping in defaults.get("mappings", ()):
        for state in mapping["options"].values():
            yield svg.box(Area(x, area.bottom - 16, 10, 10), state["color"])
            yield svg.text(x + 14, area.bottom - 7, state["text"], size=11, fill=SOFT)
            x += 26 + len(state["text"]) * 11 * svg.LETTER
