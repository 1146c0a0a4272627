"""Tables of now: answers joined by a label, or one answer as a matrix of two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from grafana.draw import svg
from grafana.draw.settings import Settings
from grafana.draw.svg import FAINT, INK, PAPER, SOFT, Area
from grafana.reading import Shown, Window

ROW = 25


class Grid(NamedTuple):
    """Rows of cells under the columns' names; the first cell is a name, the others are values or missing."""

    columns: list[str]
    rows: list[tuple[str, list[float | None]]]


def draw(shown: Shown, area: Area, _: Window) -> Iterator[str]:
    """The panel's inside."""
    grid = _grid(shown)
    first = min(area.width * 0.3, max((len(name) for name, _ in grid.rows), default=8) * 11 * svg.LETTER + 16)
    width = (area.width - first - 12) / max(1, len(grid.columns) - 1)
    for place, name in enumerate(grid.columns):
        x = area.x + 8 + (first + (place - 0.5) * width if place else 0)
        anchor = "middle" if place else "start"
        head, dot, tail = name.partition(".") if len(name) * 12 * svg.LETTER > width else (name, "", "")
        for line, part in enumerate((head + dot, tail)):
            words = svg.cut(part, width - 4, 12)
            yield svg.text(x, area.y + 12 + 11 * line, words, size=10, fill=SOFT, anchor=anchor, weight=600)
    for number, (name, cells) in enumerate(grid.rows):
        top = area.y + 28 + number * ROW
        if top + ROW > area.bottom:
            break
        yield svg.path([(area.x + 6, top), (area.right - 6, top)], FAINT, width=1)
        yield svg.text(area.x + 8, top + 17, svg.cut(name, first, 11), size=11)
        for place, value in enumerate(cells):
            cell = Area(area.x + 8 + first + place * width, top, width, ROW)
            yield from _cell(cell.inset(2, 2, 2, 2), Settings(shown.panel, grid.columns[place + 1]), value)


def _cell(area: Area, settings: Settings, value: float | None) -> Iterator[str]:
    middle, base = area.x + area.width / 2, area.y + 15
    if value is None:
        yield svg.text(middle, base, settings.get("noValue"), size=11, fill=SOFT, anchor="middle")
        return
    kind, colour, ink = settings.get("custom.cellOptions", {}).get("type"), settings.colour(value), INK
    if kind == "color-background" and colour != "transparent":
        yield svg.box(area, colour, round_by=3, opacity=0.9)
        ink = PAPER
    if kind == "gauge":
        yield svg.box(area.inset(0, 2, 48, 2), FAINT, opacity=0.6)
        lane = area.inset(0, 2, 48, 2)
        yield svg.box(lane._replace(width=lane.width * min(1.0, max(0.0, value))), colour)
        yield svg.text(area.right - 2, base, settings.shown(value), size=11, anchor="end")
        return
    yield svg.text(middle, base, settings.shown(value), size=11, fill=ink, anchor="middle")


def _grid(shown: Shown) -> Grid:
    options = {each["id"]: each["options"] for each in shown.panel["transformations"]}
    if matrix := options.get("groupingToMatrix"):
        return _matrix(shown, matrix["rowField"], matrix["columnField"])
    return _joined(shown, options["joinByField"]["byField"], options["organize"]["renameByName"])


def _matrix(shown: Shown, row: str, column: str) -> Grid:
    values = {(each.labels[row], each.labels[column]): each.last for each in shown.series}
    rows, columns = ({key[side]: None for key in values} for side in (0, 1))
    return Grid(
        [f"{row}\\{column}", *columns], [(name, [values.get((name, each)) for each in columns]) for name in rows]
    )


def _joined(shown: Shown, by: str, names: Mapping[str, Any]) -> Grid:
    found: dict[str, dict[str, float]] = {}
    for letter, answer in shown.answers.items():
        for each in answer:
            found.setdefault(each.labels[by], {})[f"Value #{letter}"] = each.last
    fields = [name for name in names if name != by]
    return Grid(
        [names[by], *(names[each] for each in fields)],
        [(name, [row.get(each) for each in fields]) for name, row in found.items()],
    )
