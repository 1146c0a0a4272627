"""What the simulation makes of sessions played turn by turn is what `verdict.sessions` makes of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from verdict.sessions import Measured, Sessions, Turn
from verdict_report.traffic import MOST_TURNS, Behaviour, Turns, first_applicable, play

GUARDRAIL = "json.invalid"
COUNT = 400


def told(turns: Turns) -> list[Turn]:
    """The turns as control hears of them: the sessions one after the other, reports in any order."""
    found = []
    for session in range(COUNT):
        for turn in range(MOST_TURNS):
            if not turns.happened[turn, session]:
                continue
            baseline, candidate = (float(arm[turn, session]) for arm in (turns.baseline, turns.candidate))
            x = candidate - baseline
            missing = turns.missing[turn, session]
            measured = Measured(-1, 1) if missing else Measured(x, x, baseline, candidate)
            applies = {GUARDRAIL: measured} if turns.applies[turn, session] else {}
            found.append(Turn(f"s{session}", session * MOST_TURNS + turn, "baseline", applies))
    random.Random(3).shuffle(found)
    return found


@pytest.mark.parametrize("behaviour", [Behaviour(0.2, 0.9), Behaviour(0.8, 0.05), Behaviour(0.5, 0.5, 0.05, 0.6)])
def test_the_first_applicable_turn_and_what_went_missing(behaviour: Behaviour) -> None:
    turns = play(np.random.default_rng(4), behaviour, COUNT)
    some, low, high = first_applicable(turns)
    sessions = Sessions([GUARDRAIL], ttl=3_600)
    for turn in told(turns):
        sessions.receive(turn)
    counted = [each for each in sessions.advance(COUNT * MOST_TURNS) if each.history is None]

    assert [each.turn.session for each in counted] == [f"s{session}" for session in np.flatnonzero(some)]
    assert [(each.measured.low, each.measured.high) for each in counted] == list(
        zip(low[some].tolist(), high[some].tolist(), strict=True)
    )


def test_playing_no_further_than_the_first_applicable_turn_gives_the_same_kind_of_sessions() -> None:
    behaviour, many = Behaviour(0.5, 0.5, 0.01, 0.6), 100_000
    whole, short = (
        first_applicable(play(np.random.default_rng(5 + ends), behaviour, many, to_the_end=ends))
        for ends in (False, True)
    )

    for one, other in zip(whole, short, strict=True):
        assert one.mean() == pytest.approx(other.mean(), abs=0.005)
        assert one.std() == pytest.approx(other.std(), abs=0.005)
