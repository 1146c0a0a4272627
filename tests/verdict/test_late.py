from __future__ import annotations

import json
import random

import pytest

from verdict.guardrails import Guardrail
from verdict.late import LateSlip

GUARDRAILS = tuple(Guardrail(f"g{number}", 0.01, 1 / 8, required=True) for number in range(8))


def detector() -> LateSlip:
    return LateSlip(GUARDRAILS, 100_000)


def feed(late: LateSlip, slips: float, count: int, seed: int = 1) -> int | None:
    """Sessions, all of which count for all guardrails, until the alert; g0 slips."""
    rng = random.Random(seed)
    for number in range(1, count + 1):
        for each in GUARDRAILS:
            up = slips if each.name == "g0" else 0.005
            (x,) = rng.choices((1, -1, 0), (up, 0.005, 0.995 - up))
            late.observe(each.name, x)
        if late.alert:
            return number
    return None


def test_a_slip_after_thousands_of_good_sessions_alerts_within_hundreds_and_says_where() -> None:
    late = detector()

    assert feed(late, 0.005, 3_000) is None
    assert feed(late, 0.059, 1_000, seed=2) is not None
    assert max(late.values, key=lambda name: late.values[name]) == "g0"


def test_the_alert_ends_when_the_slip_has_ended() -> None:
    late = detector()
    for _ in range(2_000):
        late.observe("g0", 1)
    assert late.alert

    for _ in range(3_000):
        late.observe("g0", 0)
    assert not late.alert


def test_a_session_adds_no_more_than_one_where_nothing_slips() -> None:
    late = detector()
    for each in GUARDRAILS:
        late.observe(each.name, 0)

    assert late.value <= 1


def test_it_goes_on_over_a_restart_and_a_new_guardrail_begins_at_nothing() -> None:
    late, restarted = detector(), detector()
    feed(late, 0.03, 50)
    dumped = json.loads(json.dumps(late.dump()))
    restarted.restore(dumped)
    fewer = LateSlip(GUARDRAILS[:1], 100_000)
    fewer.restore(dumped)

    assert restarted.dump() == late.dump()
    assert restarted.value == late.value
    assert fewer.value == pytest.approx(late.values["g0"])
