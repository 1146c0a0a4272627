"""A whole board on one page, laid out as Grafana would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from grafana.board import WIDTH
from grafana.draw import lines, simple, svg, table
from grafana.draw.svg import FAINT, PAPER, SOFT, Area
from grafana.reading import Reading, Shown, Window, filled

COLUMN, ROW, GAP, TOP = 60, 32, 8, 74
KINDS: Mapping[str, Callable[[Shown, Area, Window], Iterator[str]]] = {
    "stat": simple.tile,
    "bargauge": simple.bars,
    "state-timeline": simple.states,
    "timeseries": lines.draw,
    "table": table.draw,
}
FONT = "ui-sans-serif, system-ui, Helvetica, Arial, sans-serif"


def page(board: Mapping[str, Any], reading: Reading, window: Window, told: str) -> str:
    """The board as SVG. `told` says what was measured."""
    parts = list(_parts(board, reading, window))
    width, height = WIDTH * COLUMN + 2 * GAP, max(bottom for _, bottom in parts) + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" font-family="{FONT}"'
        ' role="img" aria-labelledby="t d">'
    )
    return "\n".join(
        [
            head,
            f'<title id="t">{board["title"]}</title><desc id="d">{board["description"]} {told}</desc>',
            svg.box(Area(0, 0, width, height), "#f6f8fa"),
            svg.text(GAP + 6, 30, board["title"], size=20, weight=600),
            svg.text(GAP + 6, 50, board["description"], size=13, fill=SOFT),
            svg.text(width - GAP - 6, 30, "Drawn by grafana/draw, not by Grafana.", fill=SOFT, anchor="end"),
            svg.text(width - GAP - 6, 50, told, fill=SOFT, anchor="end"),
            *(part for part, _ in parts),
            "</svg>",
            "",
        ]
    )


def _parts(board: Mapping[str, Any], reading: Reading, window: Window) -> Iterator[tuple[str, float]]:
    """What is drawn, with how far down it reaches. Repeated panels push down what comes after them."""
    extra = 0.0
    for panel in board["panels"]:
        place = panel["gridPos"]
        area = Area(
            GAP + place["x"] * COLUMN, TOP + place["y"] * ROW + extra, place["w"] * COLUMN, place["h"] * ROW
        )
        if panel["type"] == "row":
            yield (
                svg.text(area.x + 6, area.y + 22, filled(panel["title"], reading.chosen), size=14, weight=600),
                area.bottom,
            )
            continue
        copies = [each for each in reading.panels if each.panel["id"] == panel["id"]]
        across = panel.get("maxPerRow", 1)
        for number, each in enumerate(copies):
            down, right = divmod(number, across)
            spot = area._replace(x=area.x + right * area.width, y=area.y + down * area.height)
            yield "\n".join(_panel(each, spot, window)), spot.bottom
        extra += (len(copies) - 1) // across * area.height


def _panel(shown: Shown, area: Area, window: Window) -> Iterator[str]:
    frame = area.inset(3, 3, 3, 3)
    yield svg.box(frame, PAPER, stroke=FAINT, round_by=5)
    yield svg.text(frame.x + 8, frame.y + 18, svg.cut(shown.title, frame.width - 12, 12), size=12, weight=600)
    inside = frame.inset(2, 26, 2, 4)
    if shown.series or shown.panel["type"] == "stat":
        yield from KINDS[shown.panel["type"]](shown, inside, window)
        return
    none = shown.panel["fieldConfig"]["defaults"]["noValue"]
    middle = inside.x + inside.width / 2, inside.y + inside.height / 2
    yield svg.text(*middle, none, size=13, fill=SOFT, anchor="middle")
