"""The rules that Prometheus evaluates: promtool's tests of them, and that each alert can be acted on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.documented import ROOT, exported

FOLDER = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
FILES = sorted(FOLDER.glob("*.rules.yml"))
TESTS = sorted((FOLDER / "tests").glob("*.test.yml"))
HEADINGS = ["## What it means", "## What to look at", "## What to press"]


def rules(file: str = "*") -> list[dict[str, Any]]:
    return [
        rule
        for path in sorted(FOLDER.glob(f"{file}.rules.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts(file: str = "*") -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules(file) if "alert" in rule}


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    assert program, "promtool is not installed: apt install prometheus"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    promtool("check", "rules", "--lint-fatal", *FILES)


def test_prometheus_operator_takes_the_same_rules() -> None:
    resource = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "monitoring" / "rules.yaml").read_text())
    groups = [group for path in FILES for group in yaml.safe_load(path.read_text())["groups"]]

    assert sorted(resource["spec"]["groups"], key=lambda group: group["name"]) == sorted(
        groups, key=lambda group: group["name"]
    )


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_promtools_tests_of_the_rules_pass(path: Path) -> None:
    promtool("test", "rules", path)


def test_each_alert_is_tested_both_ways() -> None:
    asked = [
        (each["alertname"], bool(each["exp_alerts"]))
        for path in TESTS
        for case in yaml.safe_load(path.read_text())["tests"]
        for each in case["alert_rule_test"]
    ]
    fires = {name for name, fired in asked if fired}
    rests = {name for name, fired in asked if not fired}

    assert fires == set(alerts())
    assert rests == set(alerts())


def test_each_alert_has_its_runbook_and_each_runbook_its_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(alerts())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/runbooks/{name}.md"
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["labels"].get("slipgauge_action", "hold") in {"hold", "rollback"}


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_press(path: Path) -> None:
    text = path.read_text()

    assert text.splitlines()[0] == f"# {path.stem}"
    assert re.findall(r"^## .*", text, re.MULTILINE) == HEADINGS
    assert all(part.strip() for part in re.split(r"^## .*", text, flags=re.MULTILINE)[1:])
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_what_a_runbook_tells_of_exists() -> None:
    """Panels by their titles, commands and configuration keys."""
    from grafana.boards import BOARDS

    titles = {panel.title for board in BOARDS for panel in board.panels}
    titles |= {row.title for board in BOARDS for row in board.rows}
    text = "".join(path.read_text() for path in RUNBOOKS.glob("*.md"))
    keys = {part for key in re.findall(r"`((?:\w+\.)+\w+)`", text) for part in [key]}
    documented = set(
        re.findall(r"^\| `([\w.<>]+)` \|", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE)
    )

    for title in re.findall(r"\*([A-Z][^*]+)\*", text):
        assert any(known.startswith(title) for known in titles), title
    assert {key for key in keys if not key.endswith((".md", ".yml"))} <= documented


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_what_a_rule_asks_for_exists_with_these_labels(rule: dict[str, Any]) -> None:
    recorded = {each["record"] for each in rules() if "record" in each}
    known = exported()
    for name, matchers in re.findall(r"\b(slipgauge[_:][\w:]+)(?:\{([^}]*)\})?", rule["expr"]):
        if ":" in name:
            assert name in recorded
        else:
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert labels - {"job", "le"} <= known[re.sub(r"_(?:bucket|sum|count)$", "", name)]


def test_the_documentation_lists_each_alert_with_what_it_does() -> None:
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(runbooks/(\w+)\.md\) \| (\w+) \| (\w*) *\| .+ \|$",
        (ROOT / "docs" / "boards.md").read_text(),
        re.MULTILINE,
    )
    weight = {"critical": "pages", "warning": "ticket"}

    assert rows == [
        (name, name, weight[rule["labels"]["severity"]], rule["labels"].get("slipgauge_action", ""))
        for path in ("slip", "burn", "pipeline", "actions")
        for name, rule in alerts(path).items()
    ]
