"""The manifests in deploy/ name what exists: metrics with their labels, endpoints, each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from proxy.control.actions import ACTIONS
from proxy.control.admin import ENDPOINTS
from proxy.control.triggers.flagger import HOOKS
from tests.docs.test_documented import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = sorted(
    path
    for folder in ("argo-rollouts", "flagger", "alertmanager")
    for path in (DEPLOY / folder).iterdir()
    if path.suffix in (".yaml", ".yml")
)
EXISTING = {name.partition("{")[0]: set(name.partition("{")[2].rstrip("}").split(",")) for name in metrics()}


def texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def test_there_are_manifests_for_each_controller() -> None:
    assert {path.parent.name for path in FILES} == {"alertmanager", "argo-rollouts", "flagger"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_metrics_that_are_named_exist_with_their_labels(path: Path) -> None:
    for text in texts(documents(path)):
        for name, selector in re.findall(r"\b(slipgauge_\w+)(\{[^}]*\})?", text):
            if name == "slipgauge_action":
                continue
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            known = EXISTING.get(name) or EXISTING.get(family)
            assert known is not None, f"{path.name} names {name}"
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            assert labels <= known, f"{path.name} selects {name} by {labels - known}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_endpoints_that_are_named_exist(path: Path) -> None:
    hooks = {f"/hooks/flagger/{hook}" for hook in HOOKS}
    existing = {*ENDPOINTS, *ACTIONS, *hooks}
    named = [urlsplit(text) for text in texts(documents(path)) if text.startswith("http://slipgauge")]
    ours = [url for url in named if url.hostname == "slipgauge"]

    assert [url.path for url in ours if url.path not in existing] == []
    assert {url.port for url in ours} <= {8081}
    assert bool(ours) == (path.name in {"analysis.yaml", "canary.yaml", "alertmanager.yml"})


def test_analysis_templates_that_are_used_exist_and_get_their_arguments() -> None:
    templates = {
        each["metadata"]["name"]: each["spec"] for each in documents(DEPLOY / "argo-rollouts/analysis.yaml")
    }
    (rollout,) = documents(DEPLOY / "argo-rollouts/rollout.yaml")
    canary = rollout["spec"]["strategy"]["canary"]
    uses = [canary["analysis"], *(step["analysis"] for step in canary["steps"] if "analysis" in step)]

    for use in uses:
        given = {argument["name"] for argument in use["args"]}
        for each in use["templates"]:
            wanted = templates[each["templateName"]]["args"]
            assert {name["name"] for name in wanted if "valueFrom" not in name} == given
