from __future__ import annotations

from proxy.control.attempts import ALL, EACH, EACH_SECONDS, MOST, Attempts


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_client_that_fails_too_often_waits_and_no_other() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(EACH):
        assert attempts.wait("10.0.0.1") == 0
        attempts.failed("10.0.0.1")

    assert attempts.wait("10.0.0.1") == EACH_SECONDS
    assert attempts.wait("10.0.0.2") == 0
    clock.now += EACH_SECONDS
    assert attempts.wait("10.0.0.1") == 0


def test_addresses_of_one_subscriber_are_one_client() -> None:
    attempts = Attempts(Clock())
    for number in range(EACH):
        attempts.failed(f"2001:db8::{number:x}")

    assert attempts.wait("2001:db8::ffff") > 0
    assert attempts.wait("2001:db8:0:1::1") == 0


def test_all_together_have_a_bound_that_requests_with_a_token_do_not_share() -> None:
    attempts = Attempts(Clock())
    for number in range(ALL):
        attempts.failed(f"10.0.{number}.1")

    assert attempts.wait("10.1.0.1") > 0
    assert attempts.wait("10.1.0.1", together=False) == 0


def test_it_remembers_a_bounded_number_of_clients() -> None:
    attempts = Attempts(Clock())
    for number in range(MOST + 100):
        attempts.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", together=False)

    assert len(attempts._clients) == MOST
