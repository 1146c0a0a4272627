from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.control.control import Control
from proxy.control.keeper import Keeper
from tests.control.fakes import Client, Connect
from tests.triggers import argo
from tests.triggers.judged import say
from verdict.judge import State
from verdict.rollout import Command

MANIFESTS = Path(__file__).parents[2] / "deploy" / "argo-rollouts"


def metrics() -> dict[str, dict[str, Any]]:
    """The metrics of the analysis templates that are shipped, by provider and use."""
    found = {}
    for template in yaml.safe_load_all((MANIFESTS / "analysis.yaml").read_text()):
        for metric in template["spec"]["metrics"]:
            (provider,) = metric["provider"]
            found[f"{template['metadata']['name']} by {provider}"] = metric
    return found


async def measured(admin: Client, path: str = "/hooks/argo") -> tuple[int, Any]:
    response = await admin.get(path)
    return response.status, await response.json()


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (State.PASS, "Successful"),
        (State.FAIL, "Failed"),
        (State.INCONCLUSIVE, "Inconclusive"),
        (State.NO_DATA, "Inconclusive"),
    ],
)
async def test_the_verdict_is_in_the_body_of_a_200_and_neither_condition_is_a_pause(
    admin: Client, control: Control, state: State, outcome: str
) -> None:
    say(control, state)
    status, body = await measured(admin)

    assert status == 200
    for name, metric in metrics().items():
        if name.endswith("web"):
            assert argo.web(status, body, metric) == outcome


async def test_of_another_revision_nothing_is_known(admin: Client, control: Control) -> None:
    say(control, State.PASS)
    _, same = await measured(admin, "/hooks/argo?revision=1")
    _, other = await measured(admin, "/hooks/argo?revision=2")

    assert same["data"]["verdict"] == "pass"
    assert other["data"] == {
        "verdict": "no_data",
        "reason": "the evidence is of revision 1",
        "stage": "shadow",
        "revision": "1",
    }


async def test_a_hold_turns_a_pass_into_a_pause_and_a_rollback_by_hand_is_a_failure(
    admin: Client, control: Control, keeper: Keeper
) -> None:
    say(control, State.PASS)
    await keeper.command(Command.HOLD, by="operator", reason="weekend")
    _, held = await measured(admin)
    await keeper.command(Command.ROLLBACK, by="operator", reason="support says so")
    _, rolled_back = await measured(admin)

    assert held["data"]["verdict"] == "inconclusive"
    assert held["data"]["reason"] == "held: weekend (operator)"
    assert rolled_back["data"]["verdict"] == "fail"


async def test_a_token_that_is_missing_is_an_error_of_the_measurement(connect: Connect) -> None:
    admin = await connect("viewer")
    status, body = await measured(admin)

    assert argo.web(status, body, metrics()["slipgauge-gate by web"]) == "Error"


@pytest.mark.parametrize(
    ("vector", "outcome"),
    [
        ([1.0], "Successful"),
        ([-1.0], "Failed"),
        ([0.0], "Inconclusive"),
        ([float("nan")], "Inconclusive"),
        ([], "Error"),
    ],
)
def test_the_one_number_of_the_query_is_read_as_the_verdict(vector: list[float], outcome: str) -> None:
    assert argo.prometheus(vector, metrics()["slipgauge-gate-prometheus by prometheus"]) == outcome


def test_the_query_has_a_value_also_where_nobody_was_scraped() -> None:
    query = metrics()["slipgauge-gate-prometheus by prometheus"]["provider"]["prometheus"]["query"]

    assert query.strip().endswith("or vector(0)")


WAITING = ["Inconclusive"] * 20


@pytest.mark.parametrize("name", ["slipgauge-gate by web", "slipgauge-gate-prometheus by prometheus"])
def test_the_gate_opens_on_a_pass_alone_and_waits_for_it(name: str) -> None:
    gate = metrics()[name]

    assert argo.ended(WAITING, gate) == "Running"
    assert argo.ended([*WAITING, "Successful"], gate) == "Successful"
    assert argo.ended([*WAITING, "Failed"], gate) == "Failed"
    assert "count" not in gate


def test_low_traffic_does_not_promote_silently() -> None:
    """A background run without `count` is successful by its end unless somebody objected; the gate is a step."""
    rollout = yaml.safe_load((MANIFESTS / "rollout.yaml").read_text())
    canary = rollout["spec"]["strategy"]["canary"]
    gates = [
        template["templateName"]
        for step in canary["steps"]
        if "analysis" in step
        for template in step["analysis"]["templates"]
    ]

    assert gates[-1] == "slipgauge-gate"
    assert "analysis" in canary["steps"][-1]
    assert [each["templateName"] for each in canary["analysis"]["templates"]] == ["slipgauge-watch"]


def test_the_background_watch_fails_at_once_and_never_pauses_or_ends_by_itself() -> None:
    watch = metrics()["slipgauge-watch by web"]

    assert argo.ended(["Inconclusive"] * 10_000, watch) == "Running"
    assert argo.ended(["Successful"] * 10_000, watch) == "Running"
    assert argo.ended(["Inconclusive", "Failed"], watch) == "Failed"
    assert argo.ended(["Error"] * 20, watch) == "Running"
