from __future__ import annotations

import pytest

from analyzers.finding import Finding, Score
from proxy.control.tables import Sessions
from proxy.control.verdict import MINIMUM_SESSIONS, State, judge, overall


def sessions(count: int, *, candidate_fails: int = 0) -> Sessions:
    counted = Sessions()
    for number in range(count):
        counted.observe(Finding("x", "1", "x", Score(0), Score(float(number < candidate_fails))))
    return counted


def test_too_few_sessions_are_no_data() -> None:
    judged = judge("served", sessions(MINIMUM_SESSIONS - 1), 0.01)

    assert judged.state is State.NO_DATA
    assert str(MINIMUM_SESSIONS) in judged.reason


@pytest.mark.parametrize("fails", [0, MINIMUM_SESSIONS])
def test_counts_alone_neither_pass_nor_fail(fails: int) -> None:
    judged = judge("served", sessions(MINIMUM_SESSIONS, candidate_fails=fails), 0.01)

    assert judged.state is State.INCONCLUSIVE
    assert judged.slip == fails / MINIMUM_SESSIONS


def test_a_row_has_the_stable_fields_in_order() -> None:
    row = judge("served", Sessions(), 0.01).row()

    assert row == {
        "name": "served",
        "state": "no_data",
        "sessions": 0,
        "baseline_rate": None,
        "candidate_rate": None,
        "slip": None,
        "lower": None,
        "upper": None,
        "e_value": None,
    }


def test_no_guardrail_and_no_data_are_never_a_pass() -> None:
    nothing = judge("served", Sessions(), 0.01)
    counted = judge("json.invalid", sessions(MINIMUM_SESSIONS), 0.01)

    assert overall([]) is State.NO_DATA
    assert overall([nothing]) is State.NO_DATA
    assert overall([nothing, counted]) is State.INCONCLUSIVE
