from __future__ import annotations

from proxy.processes.backoff import MAX_PAUSE, STEADY, Backoff


def test_the_first_loss_is_made_good_at_once_and_a_crash_loop_backs_off() -> None:
    backoff = Backoff()
    pauses = [backoff.pause(0.5) for _ in range(12)]

    assert pauses[:4] == [0.0, 0.1, 0.2, 0.4]
    assert pauses[-1] == MAX_PAUSE
    assert pauses == sorted(pauses)


def test_a_process_that_lived_well_is_replaced_at_once_again() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.pause(0.0)

    assert backoff.pause(STEADY) == 0.0
    assert backoff.pause(0.0) == 0.1
