from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.control.triggers.flagger import HOOKS
from tests.control.fakes import Client, Connect
from tests.triggers.judged import say
from tests.triggers.payloads import payload
from verdict.judge import State
from verdict.rollout import Command

MANIFEST = Path(__file__).parents[2] / "deploy" / "flagger" / "canary.yaml"
HOOK = payload("flagger", metadata={})


def agreed(status: int) -> bool:
    """How Flagger takes a status: its `CallWebhook` refuses all above 202, so that 204 is a refusal."""
    return status <= 202


async def asked(admin: Client, hook: str, body: Any = HOOK) -> bool:
    response = await admin.post(f"/hooks/flagger/{hook}", json=body)
    assert response.status in (200, 409)
    assert (await response.json())["reason"]
    return agreed(response.status)


@pytest.mark.parametrize(
    ("state", "yes"),
    [
        (State.PASS, {"rollout", "confirm-traffic-increase", "confirm-promotion"}),
        (State.INCONCLUSIVE, {"rollout", "confirm-traffic-increase"}),
        (State.NO_DATA, {"rollout"}),
        (State.FAIL, {"rollback"}),
    ],
)
async def test_each_hook_is_answered_by_the_verdict(
    admin: Client, control: Control, state: State, yes: set[str]
) -> None:
    say(control, state)

    assert {hook for hook in HOOKS if await asked(admin, hook)} == yes


async def test_a_hold_stops_more_traffic_and_promotion_and_is_no_failed_check(
    admin: Client, control: Control, keeper: Keeper
) -> None:
    say(control, State.PASS)
    await keeper.command(Command.HOLD, by="operator", reason="weekend")

    assert {hook for hook in HOOKS if await asked(admin, hook)} == {"rollout"}


async def test_a_rollback_by_hand_rolls_back_there_too(admin: Client, control: Control, keeper: Keeper) -> None:
    say(control, State.PASS)
    await keeper.command(Command.ROLLBACK, by="operator", reason="support says so")

    assert {hook for hook in HOOKS if await asked(admin, hook)} == {"rollback"}


@pytest.mark.parametrize(("revision", "yes"), [("1", {"rollback"}), ("2", set[str]())])
async def test_of_another_revision_every_answer_is_no(
    admin: Client, control: Control, revision: str, yes: set[str]
) -> None:
    say(control, State.FAIL)
    body = payload("flagger", metadata={"revision": revision})

    assert {hook for hook in HOOKS if await asked(admin, hook, body)} == yes


@pytest.mark.parametrize("body", ["[]", "null", '{"metadata": "x"}', "{", ""])
async def test_what_is_no_payload_is_refused_and_never_a_yes(admin: Client, control: Control, body: str) -> None:
    say(control, State.FAIL)
    response = await admin.post("/hooks/flagger/rollback", data=body)

    assert response.status == 400
    assert not agreed(response.status)


async def test_a_hook_that_is_not_ours_is_not_found(admin: Client) -> None:
    assert (await admin.post("/hooks/flagger/pre-rollout", json=HOOK)).status == 404


async def test_the_token_may_come_as_a_password_in_the_url_since_flagger_sends_no_headers(
    connect: Connect, control: Control
) -> None:
    say(control, State.FAIL)
    admin = await connect("viewer's", "operator's")
    url = admin.make_url("/hooks/flagger/rollback")

    assert (await admin.post("/hooks/flagger/rollback", json=HOOK)).status == 401
    for token, status in (("viewer's", 200), ("operator's", 200), ("wrong", 401)):
        named = url.with_user("slipgauge").with_password(token)
        assert (await admin.session.post(named, json=HOOK)).status == status


def test_the_manifest_asks_what_is_answered_and_fails_closed_beside_failing_open() -> None:
    template, canary = yaml.safe_load_all(MANIFEST.read_text())
    hooks = {hook["type"]: hook for hook in canary["spec"]["analysis"]["webhooks"]}

    assert set(hooks) <= set(HOOKS)
    assert {"rollout", "rollback"} <= set(hooks)
    assert all(hook["url"].endswith(f"/hooks/flagger/{kind}") for kind, hook in hooks.items())
    assert "confirm-traffic-increase" not in hooks  # fluxcd/flagger#1801
    assert template["spec"]["query"].startswith("max(")  # of several series the last would win
    assert template["spec"]["query"].endswith("or vector(0)")  # nothing would be a failed check
    (metric,) = canary["spec"]["analysis"]["metrics"]
    assert metric["templateRef"]["name"] == template["metadata"]["name"]
    assert metric["thresholdRange"] == {"max": 0}
