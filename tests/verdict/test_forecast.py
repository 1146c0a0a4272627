from __future__ import annotations

import random
import statistics
from math import inf

import pytest

from verdict.evidence import Evidence
from verdict.forecast import forecast


def promised_and_taken(up: float, down: float, so_far: int, *, fails: bool, seed: int) -> float:
    """Sessions that were forecast in all, as a multiple of those it took; infinite where the wrong end was."""
    evidence, forecasted, taken = Evidence(0.01, 0.01), 0.0, 0
    for x in random.Random(seed).choices((1, -1, 0), (up, down, 1 - up - down), k=20_000):
        evidence.observe(x, x)
        if evidence.sessions == so_far:
            ahead = forecast(evidence, 0.05)
            forecasted = so_far + ahead.sessions if ahead is not None and ahead.fails is fails else inf
        if evidence.failed if fails else evidence.sessions % 20 == 0 and evidence.safe(0.05):
            taken = evidence.sessions
            break
    return forecasted / taken if forecasted else 1.0


@pytest.mark.parametrize(
    ("up", "down", "fails", "so_far"), [(0.06, 0.005, True, 100), (0.005, 0.005, False, 400), (0, 0, False, 100)]
)
def test_it_is_right_in_the_middle(up: float, down: float, so_far: int, *, fails: bool) -> None:
    found = [promised_and_taken(up, down, so_far, fails=fails, seed=seed) for seed in range(31)]

    assert 0.6 < statistics.median(found) < 1.6


def test_nothing_is_forecast_of_nothing_or_of_a_slip_at_its_margin() -> None:
    at_margin = Evidence(0.01, 0.01)
    for _ in range(30):
        for x in (*[0] * 99, 1):
            at_margin.observe(x, x)

    assert forecast(Evidence(0.01, 0.01), 0.05) is None
    assert forecast(at_margin, 0.05) is None


def test_sessions_of_which_nothing_is_known_promise_nothing() -> None:
    evidence = Evidence(0.01, 0.01)
    for _ in range(300):
        evidence.observe(-1, 1)

    assert forecast(evidence, 0.05) is None
