"""The simulation's parts, held to what can be told without them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from scale_report import arithmetic
from scale_report.assumed import PLAN, TRAFFIC, Plan
from scale_report.gateway import Gateway, Outcome
from scale_report.queues import done, messages


def simulated(plan: Plan, arrivals: float, seconds: float = 60.0) -> Outcome:
    return Gateway(TRAFFIC, plan, arrivals, seconds, np.random.default_rng(1)).run()


def states(outcome: Outcome) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, state), count in outcome.states.items():
        found[state] += count
    return found


def test_a_queue_is_served_in_order_and_never_before_it_is_up() -> None:
    rng = np.random.default_rng(2)
    arrived, work = np.cumsum(rng.exponential(1.0, 500)), rng.exponential(0.9, 500)

    for up in (0.0, 50.0):
        free, expected = up, []
        for at, takes in zip(arrived, work, strict=True):
            free = max(at, free) + takes
            expected.append(free)
        assert done(arrived, work, up) == pytest.approx(expected)


def test_means_are_those_of_what_is_drawn() -> None:
    rng = np.random.default_rng(3)
    drawn = np.minimum(rng.lognormal(np.log(600), 1.0, 2_000_000), 16_000)

    assert arithmetic.mean(600, 1.0, 16_000) == pytest.approx(drawn.mean(), rel=0.005)


def test_messages_hold_every_report_once_and_come_after_a_beat_at_most() -> None:
    scored = np.array([0.01, 0.02, 0.5, 0.51, 3.0])
    at, reports = messages(scored, np.array([0, 0, 0, 1, 1]), PLAN, np.random.default_rng(4))

    assert reports.sum() == len(scored)
    assert (np.diff(at) >= 0).all()
    assert at[-1] <= 3.0 + PLAN.beat + PLAN.transit


def test_a_gateway_with_room_scores_all() -> None:
    outcome = simulated(replace(PLAN, tokens_per_second=1e9), arrivals=5)

    assert set(states(outcome)) == {"scored"}
    assert all(scored > whole for whole, scored in zip(outcome.completed, outcome.scored, strict=True))


@pytest.mark.parametrize(
    ("plan", "arrivals", "state"),
    [
        (replace(PLAN, tokens_per_second=1_000), 5, "dropped_budget"),
        (replace(PLAN, in_flight=3, tokens_per_second=1e9), 5, "dropped_in_flight"),
        (replace(PLAN, busy=0.5, tokens_per_second=1e9), 5, "dropped_pressure"),
        (replace(PLAN, queue_pairs=5, in_flight=10**6, tokens_per_second=1e9), 900, "dropped_queue"),
    ],
)
def test_each_bound_drops_and_nothing_is_lost(plan: Plan, arrivals: float, state: str) -> None:
    outcome = simulated(plan, arrivals)

    assert set(states(outcome)) == {"scored", state}
    assert outcome.in_flight <= plan.in_flight
    assert outcome.queued <= plan.queue_pairs


def test_a_budget_is_spent_and_not_exceeded_by_more_than_what_was_saved_and_is_in_flight() -> None:
    plan, seconds = replace(PLAN, tokens_per_second=2_000), 600.0
    outcome = simulated(plan, 10, seconds)

    spent = len(outcome.scored) * (arithmetic.prompt() + arithmetic.answer())
    assert spent == pytest.approx(plan.tokens_per_second * seconds, rel=0.15)
