from __future__ import annotations

import json
import random

import pytest

from verdict.repeat import Repeat, contrast


def after(observed: list[int]) -> Repeat:
    repeat = Repeat(0.01)
    for x in observed:
        repeat.observe(x)
    return repeat


def drawn(up: float, down: float, count: int) -> list[int]:
    return random.Random(5).choices((1, -1, 0), (up, down, 1 - up - down), k=count)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_in_either_direction_alarms_and_stays(sign: int) -> None:
    repeat = after([sign * x for x in drawn(0.08, 0.01, 800)] + [0] * 5_000)

    assert repeat.alarm
    assert repeat.e_value >= 100


def test_answers_that_differ_as_chance_has_it_do_not_alarm() -> None:
    repeat = after(drawn(0.05, 0.05, 20_000))

    assert not repeat.alarm
    assert repeat.noise == pytest.approx(0.1, abs=0.01)


def test_without_repeats_there_is_no_noise_to_tell_of() -> None:
    assert Repeat(0.01).noise is None


def test_it_goes_on_over_a_restart_as_if_it_had_never_stopped() -> None:
    observed = drawn(0.05, 0.01, 300)
    restarted = Repeat.load(json.loads(json.dumps(after(observed[:120]).dump())))
    for x in observed[120:]:
        restarted.observe(x)

    assert restarted.dump() == after(observed).dump()


def test_a_difference_without_a_sign_is_taken_against_the_repeat() -> None:
    assert contrast(0.75, 0.25) == 0.5
    with pytest.raises(ValueError, match="from 0 to 1"):
        contrast(1.5, 0)
