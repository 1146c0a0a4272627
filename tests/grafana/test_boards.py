"""A lint of the boards that are checked in, for the rules by which they stay readable and true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from grafana import generate
from grafana.boards import BOARDS
from grafana.generate import FOLDER
from grafana.panel import METRIC
from grafana.vllm_names import NAMES
from tests.grafana.documented import ROOT, exported

COUNTED = re.compile(r"\b(?:slipgauge_|vllm:)\w+(?:_total|_bucket|_sum|_count)\b")
IN_RATE = re.compile(r"(?:rate|increase)\((?:slipgauge_|vllm:)\w+\{[^}]*\}\[([^\]]+)\]\)")
AS_THEY_ARE = {"slipgauge_eligible_total", "slipgauge_ledger_total", "slipgauge_sessions_total"}
"""Counters whose value of now is what is meant: the ledger's identity, and the sessions of this evidence."""
WINDOWS = {"$__rate_interval", "$__range", "1h"}


def boards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]


def panels() -> list[Any]:
    return [
        pytest.param(panel, id=f"{board['uid']}: {panel['title']}")
        for board in boards()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric that is selected, with the labels that it is selected by."""
    for name, matchers in re.findall(r"\b((?:slipgauge_|vllm:)\w+)\{([^}]*)\}", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def documented(name: str) -> str:
    """A metric's name without what the parts of a histogram are called."""
    return re.sub(r"_(?:bucket|sum|count)$", "", name)


def test_the_files_are_what_the_code_makes_of_them() -> None:
    assert list(generate.faults()) == []


def test_check_tells_of_a_file_that_was_changed_or_is_nobodys(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    for path, text in generate.files().items():
        path.write_text(text)
    assert list(generate.faults()) == []
    changed = tmp_path / f"{BOARDS[0].uid}.json"
    changed.write_text(changed.read_text().replace("Verdict", "Judgement", 1))
    (tmp_path / "another.json").write_text("{}")

    assert [fault.partition(" ")[0] for fault in generate.faults()] == [changed.name, "another.json"]


def test_check_is_a_command_with_an_exit_code() -> None:
    command = [sys.executable, "-m", "grafana.generate", "--check"]

    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("board", boards(), ids=lambda board: board["uid"])
def test_a_board_is_classic_json_that_any_datasource_serves(board: dict[str, Any]) -> None:
    variables = [each["name"] for each in board["templating"]["list"]]
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"])))

    assert board["schemaVersion"] == 39
    assert variables[0] == "datasource"
    assert used - {name for name in used if name.startswith("__")} <= set(variables)
    assert set(variables) <= used | {"datasource"}
    assert board["description"].endswith("?")


@pytest.mark.parametrize("board", boards(), ids=lambda board: board["uid"])
def test_no_two_panels_share_a_number_a_title_or_a_place(board: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in board["panels"]]
    cells = [
        (x, y)
        for panel in board["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23


def test_no_two_boards_share_a_name() -> None:
    assert len({board.uid for board in BOARDS}) == len({board.title for board in BOARDS}) == len(BOARDS)


@pytest.mark.parametrize("panel", panels())
def test_a_panel_says_what_it_tells_in_which_unit_and_what_it_means_to_be_empty(panel: dict[str, Any]) -> None:
    said, _, named = panel["description"].rpartition("\n\nMetrics: ")
    defaults = panel["fieldConfig"]["defaults"]
    asked = {documented(name) for target in panel["targets"] for name in METRIC.findall(target["expr"])}

    assert said.endswith(".")
    assert set(re.findall(r"`([^`]+)`", named)) == asked
    assert defaults["unit"]
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"][0]["value"] is None
    bounds = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
    assert bounds == sorted(bounds)
    assert panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("panel", panels())
def test_a_query_takes_the_deployment_and_shows_counters_as_rates(panel: dict[str, Any]) -> None:
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == [*map(chr, range(ord("A"), ord("A") + len(letters)))]
    assert letters
    for target in panel["targets"]:
        expression = target["expr"]
        assert set(IN_RATE.findall(expression)) <= WINDOWS
        assert set(COUNTED.findall(IN_RATE.sub("", expression))) <= AS_THEY_ARE
        found = list(selectors(expression))
        assert {name for name, _ in found} == set(METRIC.findall(expression))
        for name, labels in found:
            assert "job" in labels
            assert ("arm" in labels) or name.startswith("slipgauge_")


@pytest.mark.parametrize("panel", panels())
def test_what_is_asked_for_exists_with_these_labels(panel: dict[str, Any]) -> None:
    known = exported()
    for target in panel["targets"]:
        for name, labels in selectors(target["expr"]):
            if name.startswith("vllm:"):
                assert documented(name) in NAMES
            else:
                assert labels - {"job"} <= known[documented(name)]


def test_every_metric_is_on_a_board_in_an_alert_or_listed_with_a_reason() -> None:
    shown = {name for board in BOARDS for panel in board.panels for name in panel.metrics}
    alerted = set(re.findall(r"\bslipgauge_\w+", "".join(path.read_text() for path in RULES)))
    text = (ROOT / "docs" / "boards.md").read_text()
    listed = dict(re.findall(r"^\| `(slipgauge_\w+)` \| (.+) \|$", text, re.MULTILINE))
    seen = shown | {documented(name) for name in alerted}

    assert set(exported()) - seen == set(listed)


RULES = sorted((ROOT / "deploy" / "prometheus").glob("*.rules.yml"))
