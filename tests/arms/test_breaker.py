from __future__ import annotations

import pytest

from proxy.config import CanaryBreaker
from proxy.gateway.arms.breaker import FALLBACK_RESERVE, Breaker, Fallbacks

LIMITS = CanaryBreaker(failures=5, pause=10.0)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(LIMITS)
    assert [breaker.failed(at, at) for _ in range(5)] == [False, False, False, False, True]
    return breaker


def test_failures_in_a_row_open_it_and_nothing_goes_to_the_candidate() -> None:
    breaker = opened()
    assert breaker.open
    assert not breaker.lets(9.9)


def test_after_the_pause_one_request_is_tried_and_its_answer_closes_it() -> None:
    breaker = opened()
    assert [breaker.lets(10.0), breaker.lets(10.0), breaker.lets(19.9)] == [True, False, False]
    assert breaker.answered(since=10.0)
    assert not breaker.open
    assert all(breaker.lets(20.0) for _ in range(3))


def test_a_failed_trial_begins_the_pause_anew() -> None:
    breaker = opened()
    assert breaker.lets(10.0)
    assert not breaker.failed(since=10.0, now=18.0)
    assert [breaker.lets(27.9), breaker.lets(28.0)] == [False, True]


def test_a_trial_that_never_ends_is_followed_by_another() -> None:
    breaker = opened()
    assert [breaker.lets(10.0), breaker.lets(19.9), breaker.lets(20.0)] == [True, False, True]


def test_what_was_under_way_before_it_opened_neither_closes_nor_delays_it() -> None:
    breaker = opened(at=5.0)
    assert not breaker.answered(since=4.9)
    assert not breaker.failed(since=4.9, now=14.0)
    assert breaker.open
    assert breaker.lets(15.0)


@pytest.mark.parametrize(("every", "opens"), [(2, True), (3, True), (4, True), (6, False), (20, False)])
def test_one_failure_in_four_opens_it_in_time_and_one_in_six_never(every: int, *, opens: bool) -> None:
    breaker, opened = Breaker(LIMITS), False
    for number in range(10_000):
        if number % every == 0:
            opened |= breaker.failed(number, number)
        elif breaker.level:
            breaker.answered(number)
    assert opened is opens


def test_a_candidate_that_dies_gives_its_requests_in_flight_to_the_baseline_and_no_storm() -> None:
    fallbacks = Fallbacks()
    assert sum(fallbacks.take() for _ in range(1_000)) == FALLBACK_RESERVE


def test_a_candidate_that_fails_slowly_gives_at_most_half_of_its_requests_to_the_baseline() -> None:
    fallbacks, taken = Fallbacks(), 0
    for _ in range(10_000):
        fallbacks.earn()
        taken += fallbacks.take()
    assert 5_000 <= taken <= 5_000 + FALLBACK_RESERVE
