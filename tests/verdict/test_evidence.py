from __future__ import annotations

import json
import random

import pytest

from verdict.evidence import Evidence


def sessions(up: float, down: float, count: int, seed: int = 1) -> list[int]:
    return random.Random(seed).choices((1, -1, 0), (up, down, 1 - up - down), k=count)


def after(observed: list[int], margin: float = 0.005, alpha: float = 0.01) -> Evidence:
    evidence = Evidence(margin, alpha)
    for x in observed:
        evidence.observe(x, x)
    return evidence


def test_the_founding_slip_fails_within_a_few_hundred_sessions() -> None:
    evidence = after(sessions(0.059, 0.005, 600))

    assert evidence.failed
    assert evidence.interval(0.05)[0] > evidence.margin


def test_equal_arms_are_safe_within_a_few_thousand() -> None:
    evidence = after(sessions(0.005, 0.005, 8_000))

    assert not evidence.failed
    assert evidence.safe(0.05)
    assert evidence.interval(0.05)[1] <= evidence.margin


def test_it_goes_on_over_a_restart_as_if_it_had_never_stopped() -> None:
    observed = sessions(0.02, 0.005, 300)
    restarted = Evidence.load(json.loads(json.dumps(after(observed[:100]).dump())))
    for x in observed[100:]:
        restarted.observe(x, x)

    assert restarted.dump() == after(observed).dump()


def test_what_is_missing_counts_for_nobody() -> None:
    evidence = Evidence(0.005, 0.01)
    for _ in range(5_000):
        evidence.observe(-1, 1)

    assert not evidence.failed
    assert not evidence.safe(0.05)
    assert evidence.interval(0.05) == pytest.approx((-1, 1))


@pytest.mark.parametrize(("low", "high", "discount"), [(1, -1, 1), (-2, 0, 1), (0, 2, 1), (0, 0, 0), (0, 0, 2)])
def test_what_no_session_can_give_is_refused_and_changes_nothing(low: float, high: float, discount: float) -> None:
    evidence = after([0, 1, 0])
    before = evidence.dump()

    with pytest.raises(ValueError, match="found X from"):
        evidence.observe(low, high, discount)

    assert evidence.dump() == before
