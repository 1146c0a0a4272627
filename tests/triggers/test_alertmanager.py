from __future__ import annotations

from io import BytesIO
from typing import Any

import orjson
import pytest

from proxy.control.admin import MAX_BODY
from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.control.triggers.alertmanager import LABEL, REMEMBERED, Firings, PayloadError, Wish
from tests.control.fakes import Client, Connect
from tests.triggers.payloads import payload
from verdict.rollout import Command, Stage

FIRING, RESOLVED, TRUNCATED = (payload(f"alertmanager-{name}") for name in ("firing", "resolved", "truncated"))
WISH = Wish(Command.ROLLBACK, "alert CandidateSlow: p99 above 2 s")


def labelled(recorded: dict[str, Any], **labels: str | None) -> dict[str, Any]:
    """The payload with these labels on every alert; None takes one away."""

    def changed(alert: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in (alert["labels"] | labels).items() if value is not None}
        return alert | {"labels": kept}

    return recorded | {"alerts": [changed(alert) for alert in recorded["alerts"]]}


def test_a_firing_alert_acts_by_its_label() -> None:
    assert Firings().take(FIRING) == WISH
    assert Firings().take(labelled(FIRING, **{LABEL: "hold"})) == Wish(Command.HOLD, WISH.reason)


@pytest.mark.parametrize("action", [None, "promote", "resume", "ROLLBACK", ""])
def test_alerts_that_ask_for_nothing_known_are_let_be(action: str | None) -> None:
    assert Firings().take(labelled(FIRING, **{LABEL: action})) is None


def test_a_resolved_alert_does_nothing_in_a_group_that_fires_either() -> None:
    assert Firings().take(RESOLVED) is None
    assert Firings().take(RESOLVED | {"status": "firing"}) is None


def test_the_same_firing_acts_once_however_often_it_is_sent_and_a_new_one_again() -> None:
    firings = Firings()
    assert [firings.take(FIRING) for _ in range(3)] == [WISH, None, None]

    later = FIRING | {"alerts": [FIRING["alerts"][0] | {"startsAt": "2026-11-26T09:00:00Z"}]}
    assert [firings.take(later) for _ in range(2)] == [WISH, None]
    assert firings.take(RESOLVED) is None
    assert firings.take(later) == WISH


def test_it_is_remembered_over_a_restart_and_within_bounds() -> None:
    firings = Firings()
    firings.take(FIRING)
    assert Firings(firings.dump()).take(FIRING) is None

    for number in range(REMEMBERED):
        firings.take(FIRING | {"groupKey": str(number)})
    assert len(firings.dump()) == REMEMBERED
    assert firings.take(FIRING) == WISH


@pytest.mark.parametrize("junk", [b"", b"junk", b"[]", b"null", b"7", b'{"a": 1}', b'{"a": {"b": []}}', b"\xff"])
def test_junk_in_the_store_is_dropped_and_what_fires_acts_once_more(junk: bytes) -> None:
    firings = Firings.restored(junk)

    assert [firings.take(FIRING) for _ in range(2)] == [WISH, None]


def test_what_a_store_has_of_it_is_bounded() -> None:
    stored = orjson.dumps({str(number): "" for number in range(2 * REMEMBERED)})

    assert len(Firings.restored(stored).dump()) == REMEMBERED


def test_a_rollback_comes_before_a_hold() -> None:
    hold = labelled(FIRING, **{LABEL: "hold"})["alerts"][0] | {"fingerprint": "another"}

    assert Firings().take(FIRING | {"alerts": [hold, *FIRING["alerts"]]}) == WISH


def test_what_was_left_out_is_honoured_by_the_labels_of_the_group() -> None:
    none = labelled(TRUNCATED, **{LABEL: None})
    asks = none | {"groupLabels": {**none["groupLabels"], LABEL: "rollback"}}
    firings = Firings()

    reason = "3 alerts of the group were left out (max_alerts), and the whole group asks for it"
    assert [firings.take(asks) for _ in range(2)] == [Wish(Command.ROLLBACK, reason), None]


def test_what_was_left_out_and_says_nothing_holds_once() -> None:
    none, firings = labelled(TRUNCATED, **{LABEL: None}), Firings()

    reason = "3 alerts of the group were left out (max_alerts), and what they ask for is not known"
    assert [firings.take(none) for _ in range(2)] == [Wish(Command.HOLD, reason), None]
    firings.take(none | {"status": "resolved", "alerts": [], "truncatedAlerts": 0})
    assert firings.take(none) is not None


def test_grafanas_superset_is_taken() -> None:
    reason = "alert Candidate slow: time to first token doubled"

    assert Firings().take(payload("grafana")) == Wish(Command.HOLD, reason)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        FIRING | {"version": "5"},
        FIRING | {"status": "unknown"},
        FIRING | {"groupKey": None},
        FIRING | {"alerts": {}},
        FIRING | {"alerts": [{}]},
        FIRING | {"alerts": [{"labels": {}}]},
        FIRING | {"truncatedAlerts": -1},
        FIRING | {"truncatedAlerts": True},
        FIRING | {"groupKey": "x" * 10_001},
        FIRING | {"alerts": [{"labels": {}, "fingerprint": "f", "status": "firing", "startsAt": "x" * 10_001}]},
    ],
)
def test_what_is_no_payload_is_named(wrong: Any) -> None:
    with pytest.raises(PayloadError, match=r"should|holds"):
        Firings().take(wrong)


def test_words_from_outside_are_cut_to_printable_ones() -> None:
    alert = FIRING["alerts"][0] | {"annotations": {"summary": "a\x1b[31m\nb" + "c" * 1_000}}
    wish = Firings().take(FIRING | {"alerts": [alert]})

    assert wish is not None
    assert wish.reason.startswith("alert CandidateSlow: a [31m bccc")
    assert (len(wish.reason), wish.reason.isprintable()) == (200, True)


async def test_an_alert_rolls_back_over_http_and_a_repetition_does_not_act_again(
    admin: Client, control: Control, keeper: Keeper
) -> None:
    first = await admin.post("/hooks/alertmanager", json=labelled(FIRING, **{LABEL: "hold"}))
    await keeper.command(Command.RESUME, by="operator", reason="known")
    again = await admin.post("/hooks/alertmanager", json=labelled(FIRING, **{LABEL: "hold"}))

    assert (first.status, (await first.json())["done"]) == (200, "hold")
    assert (again.status, (await again.json())["done"]) == (200, None)
    assert control.rollout.held is None
    log = [(each.entry.by, each.entry.action) for each in await keeper.latest(limit=2)]
    assert log == [("operator", "resume"), ("alertmanager", "hold")]


async def test_what_sending_again_would_not_mend_is_4xx_and_what_it_would_is_5xx(
    admin: Client, control: Control, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    assert (await admin.post("/hooks/alertmanager", data="{")).status == 400
    assert (await admin.post("/hooks/alertmanager", json={})).status == 400
    assert (await admin.post("/hooks/alertmanager", data=BytesIO(bytes(MAX_BODY + 1)))).status == 413
    with monkeypatch.context() as patched:
        patched.setattr(keeper, "command", broken)
        assert (await admin.post("/hooks/alertmanager", json=FIRING)).status == 500
    mended = await admin.post("/hooks/alertmanager", json=FIRING)
    assert (mended.status, control.rollout.stage) == (200, Stage.ROLLED_BACK)


async def test_what_is_refused_is_said_and_not_sent_again(admin: Client, keeper: Keeper) -> None:
    await keeper.command(Command.ROLLBACK, by="operator", reason="first")
    response = await admin.post("/hooks/alertmanager", json=FIRING)

    assert response.status == 200
    assert "was rolled back" in (await response.json())["reason"]


async def test_it_needs_the_operators_token(connect: Connect, control: Control) -> None:
    admin = await connect("viewer", "operator")
    statuses = [
        (await admin.post("/hooks/alertmanager", json=FIRING, headers=headers)).status
        for headers in ({}, {"Authorization": "Bearer viewer"}, {"Authorization": "Bearer operator"})
    ]

    assert statuses == [401, 403, 200]
    assert control.rollout.stage is Stage.ROLLED_BACK
