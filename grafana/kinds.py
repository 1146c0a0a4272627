"""The kinds of panel on our boards, each with the settings that it has everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grafana.panel import Panel, Query, Step
from grafana.units import Unit

LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
LINE = {
    "drawStyle": "line",
    "lineInterpolation": "linear",
    "lineWidth": 1,
    "fillOpacity": 0,
    "showPoints": "never",
    "spanNulls": False,
}


def tile(
    title: str, says: str, expr: str, unit: Unit, *, judged: bool = True, text: str = "auto", **more: Any
) -> Panel:
    """One value of now. `judged` colours the whole tile by its thresholds."""
    options = {
        "reduceOptions": LAST,
        "colorMode": "background" if judged else "value",
        "graphMode": "none",
        "textMode": text,
        "justifyMode": "center",
        "orientation": "auto",
    }
    return Panel(
        "stat", title, says, (Query(expr, more.pop("legend", "__auto")),), unit, options=options, height=4, **more
    )


def lines(
    title: str, says: str, queries: Iterable[tuple[str, str]], unit: Unit, *, exemplar: bool = False, **more: Any
) -> Panel:
    """Values over time. `queries` are expressions with the names of their series."""
    custom = LINE | dict(more.pop("custom", {}))
    if len(more.get("steps", ())) > 1:  # a line says where a judgement begins
        custom["thresholdsStyle"] = {"mode": "dashed"}
    asked = tuple(Query(expr, legend, exemplar=exemplar) for expr, legend in queries)
    options = {"legend": LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}}
    bounds = more.pop("bounds", {"min": 0} if unit.low == 0 else {})
    return Panel("timeseries", title, says, asked, unit, custom=custom, options=options, bounds=bounds, **more)


def areas(title: str, says: str, queries: Iterable[tuple[str, str]], unit: Unit, **more: Any) -> Panel:
    """Parts of a whole over time, one upon another."""
    return lines(
        title, says, queries, unit, custom={"fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}}, **more
    )


def states(title: str, says: str, queries: Iterable[tuple[str, str]], unit: Unit, **more: Any) -> Panel:
    """Which state each series was in, and since when."""
    options = {
        "mergeValues": True,
        "showValue": "never",
        "rowHeight": 0.9,
        "alignValue": "left",
        "legend": LEGEND,
        "tooltip": {"mode": "single", "sort": "none"},
    }
    asked = tuple(Query(*query) for query in queries)
    return Panel(
        "state-timeline",
        title,
        says,
        asked,
        unit,
        custom={"lineWidth": 0, "fillOpacity": 80},
        options=options,
        **more,
    )


def bars(title: str, says: str, queries: Iterable[tuple[str, str]], unit: Unit, **more: Any) -> Panel:
    """One bar a series, of its value now."""
    options = {
        "reduceOptions": LAST,
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "color",
        "namePlacement": "auto",
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
    }
    asked = tuple(Query(*query) for query in queries)
    bounds = more.pop("bounds", {"min": 0})
    return Panel("bargauge", title, says, asked, unit, options=options, instant=True, bounds=bounds, **more)


def table(title: str, says: str, queries: Iterable[tuple[str, Unit]], unit: Unit, **more: Any) -> Panel:
    """Rows of now, each query with its unit; `transformations` say how the answers become columns."""
    options = {"showHeader": True, "cellHeight": "sm"}
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False}
    asked = tuple(Query(expr, "", unit=own) for expr, own in queries)
    return Panel("table", title, says, asked, unit, options=options, custom=custom, instant=True, **more)


def override(name: str, **properties: Any) -> dict[str, Any]:
    """How the field of this name is shown instead. Underlines in the names of properties stand for dots."""
    found = [{"id": key.replace("_", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": found}


def colour(name: str) -> dict[str, str]:
    """A fixed colour, as a property."""
    return {"mode": "fixed", "fixedColor": name}


def steps(*given: tuple[float, str], base: str = "green") -> tuple[Step, ...]:
    """Thresholds that begin at `base`."""
    return ((None, base), *given)


HUES = (
    override("baseline", color=colour("#6e7681")),
    override("candidate", color=colour("#2f6feb")),
    override("baseline p50", color=colour("#afb8c1")),
    override("baseline p95", color=colour("#6e7681")),
    override("candidate p50", color=colour("#8cb4ff")),
    override("candidate p95", color=colour("#2f6feb")),
)
"""The same colours for an arm everywhere: the baseline grey, the candidate blue."""
