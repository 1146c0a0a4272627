from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from verdict.evidence import Evidence
from verdict.guardrails import Guardrail, Levels
from verdict.judge import MINIMUM_SESSIONS, Judgement, State, judge, overall

LEVELS = Levels()


@dataclass
class Counted:
    """What control counts."""

    count: int = 0
    baseline_rate: float | None = None
    candidate_rate: float | None = None
    slip: float | None = None


def guardrail(name: str = "served", margin: float = 0.02, *, required: bool = True) -> Guardrail:
    return Guardrail(name, margin, 0.5, required)


def judged(*observed: tuple[float, float], about: Guardrail | None = None) -> Judgement:
    """The verdict after sessions whose X is from the first to the second number."""
    about = about or guardrail()
    evidence = Evidence(about.margin, LEVELS.harm * about.weight)
    for low, high in observed:
        evidence.observe(low, high)
    return judge(about, Counted(len(observed), 0.0, 0.0, 0.0), evidence, LEVELS)


def test_too_few_sessions_are_no_data() -> None:
    found = judged(*[(0, 0)] * (MINIMUM_SESSIONS - 1))

    assert found.state is State.NO_DATA
    assert str(MINIMUM_SESSIONS) in found.reason


def test_sessions_of_which_nothing_is_known_are_no_data() -> None:
    assert judged(*[(-1, 1)] * 5_000).state is State.NO_DATA


def test_few_sessions_are_enough_to_fail() -> None:
    found = judged(*[(1, 1)] * 15)

    assert found.state is State.FAIL
    assert "exceeded the margin of 2.00%" in found.reason
    assert found.e_value is not None
    assert found.e_value >= 200


def test_equal_arms_pass_in_the_end_and_are_inconclusive_until_then() -> None:
    soon, late = judged(*[(0, 0)] * 100), judged(*[(0, 0)] * 400)

    assert soon.state is State.INCONCLUSIVE
    assert soon.forecast is not None
    assert "it will pass" in soon.reason
    assert soon.told()["forecast"] == soon.forecast.sessions
    assert late.state is State.PASS
    assert late.upper is not None
    assert late.upper <= 0.02
    assert late.forecast is None


def test_a_slip_near_its_margin_is_not_promised_an_end() -> None:
    found = judged(*[*[(0, 0)] * 49, (1, 1)] * 40)

    assert found.state is State.INCONCLUSIVE
    assert "too near the margin" in found.reason


def test_a_row_has_the_stable_fields_in_order_and_more_is_told() -> None:
    found = judge(guardrail(), Counted(), Evidence(0.02, 0.005), LEVELS)

    assert found.row() == {
        "name": "served",
        "state": "no_data",
        "sessions": 0,
        "baseline_rate": None,
        "candidate_rate": None,
        "slip": None,
        "lower": None,
        "upper": None,
        "e_value": pytest.approx(1),
    }
    more = {"margin", "required", "alpha", "threshold", "safe_e_value", "safe_threshold", "reason", "forecast"}
    assert set(found.told()) == set(found.row()) | more


def test_what_is_told_is_json_whatever_happened() -> None:
    for x in (-1, 1):
        json.dumps(judged(*[(x, x)] * 5_000).told(), allow_nan=False)


def test_no_guardrail_and_no_data_are_never_a_pass() -> None:
    nothing, undecided, good = judged(), judged(*[(0, 0)] * 100), judged(*[(0, 0)] * 400)

    assert overall([]) is State.NO_DATA
    assert overall([nothing]) is State.NO_DATA
    assert overall([nothing, undecided]) is State.INCONCLUSIVE
    assert overall([nothing, good]) is State.INCONCLUSIVE
    assert overall([good]) is State.PASS


def test_what_is_not_required_may_fail_the_candidate_and_cannot_pass_it() -> None:
    spare = guardrail("json.invalid", required=False)
    good, bad = judged(*[(0, 0)] * 400, about=spare), judged(*[(1, 1)] * 15, about=spare)

    assert overall([good]) is State.INCONCLUSIVE
    assert overall([judged(about=spare), judged(*[(0, 0)] * 400)]) is State.PASS
    assert overall([bad, judged(*[(0, 0)] * 400)]) is State.FAIL
