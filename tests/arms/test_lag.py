from __future__ import annotations

from proxy.gateway.arms.lag import ON_TIME, LagBreaker


def test_one_late_sample_sheds_and_on_time_ones_in_a_row_stop_it() -> None:
    breaker = LagBreaker(0.05)
    breaker.observe(0.05)
    assert not breaker.shed
    breaker.observe(0.051)
    for _ in range(ON_TIME):
        assert breaker.shed
        breaker.observe(0.001)
    assert not breaker.shed


def test_a_sample_that_is_half_late_begins_the_wait_anew_and_alone_sheds_nothing() -> None:
    breaker = LagBreaker(0.05)
    for _ in range(100):
        breaker.observe(0.03)
    assert not breaker.shed
    breaker.observe(1.0)
    for _ in range(100):
        for _ in range(ON_TIME - 1):
            breaker.observe(0.0)
        breaker.observe(0.03)
        assert breaker.shed
