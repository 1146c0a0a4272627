"""The plain rendering: what is drawn is what was answered, and it says that it is not Grafana."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from grafana.boards import BOARDS
from grafana.draw.page import page
from grafana.draw.settings import with_unit
from grafana.generate import FOLDER
from grafana.reading import Reading, Series, Shown, Window

WINDOW = Window(0, 60, 1)
TEXT = "{http://www.w3.org/2000/svg}text"


def board(uid: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((FOLDER / f"{uid}.json").read_text())
    return tree


def answered(panel: dict[str, Any], value: float, name: str = "json.invalid") -> Shown:
    labels = dict.fromkeys(("guardrail", "segment", "analyzer"), name)
    points = [(60.0, value)] if panel["targets"][0]["instant"] else [(float(at), value) for at in range(60)]
    answers = {target["refId"]: [Series(name, labels, points)] for target in panel["targets"]}
    return Shown(panel, panel["title"], answers)


def drawn(tree: dict[str, Any], *shown: Shown) -> ET.Element:
    return ET.fromstring(page(tree, Reading(list(shown), {}), WINDOW, "Nothing was measured."))


def words(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(TEXT)]


@pytest.mark.parametrize("uid", [each.uid for each in BOARDS])
@pytest.mark.parametrize("value", [0.0, 1.0, 2.0])
def test_every_panel_is_drawn_under_its_title(uid: str, value: float) -> None:
    tree = board(uid)
    panels = [panel for panel in tree["panels"] if panel["type"] != "row"]
    found = words(drawn(tree, *(answered(panel, value) for panel in panels)))

    assert "Drawn by grafana/draw, not by Grafana." in found
    assert "Nothing was measured." in found
    for panel in panels:
        assert any(each.rstrip("…") and panel["title"].startswith(each.rstrip("…")) for each in found), panel[
            "title"
        ]


def test_a_panel_without_an_answer_says_what_that_means() -> None:
    tree = board("slipgauge-overview")
    panels = [panel for panel in tree["panels"] if panel["type"] != "row"]
    found = words(drawn(tree, *(Shown(panel, panel["title"], {}) for panel in panels)))

    assert "every verdict is there" in found
    assert "no session yet" in found


def test_a_name_that_is_markup_stays_text() -> None:
    tree = board("slipgauge-gateway")
    (panel,) = [panel for panel in tree["panels"] if panel["title"] == "Added latency"]

    assert "<script>&" in words(drawn(tree, answered(panel, 1.0, "<script>&")))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "percentunit", "12.3 %"),
        (-0.005, "percentunit", "-0.5 %"),
        (0.00042, "s", "420 µs"),
        (0.042, "s", "42 ms"),
        (1.5, "s", "1.5 s"),
        (90.0, "s", "1.5 min"),
        (0.0, "s", "0 s"),
        (3 * 2**20, "bytes", "3 MiB"),
        (12.34, "reqps", "12.3 req/s"),
        (1234.0, "short", "1.23k"),
        (640.0, "suffix: tok/s", "640 tok/s"),
        (float("nan"), "s", "–"),
    ],
)
def test_values_are_written_with_their_units(value: float, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text
