"""How often harm fails a candidate whose slip never exceeds its margin, with a look after every session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from verdict_report.engine import Harm, Ints
from verdict_report.figures import rng
from verdict_report.traffic import Behaviour, Generator, Rates, Xs, drawn, least, observed, steady

ALPHA = 0.01
SESSIONS = 20_000
BATCH = 2_500
MARKS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
"""Sessions by which false alarms are counted."""

Traffic = Callable[[Generator, int, int], Iterator[Xs]]


class Scenario(NamedTuple):
    """Traffic whose slip never exceeds the margin."""

    words: str
    margin: float
    traffic: Traffic
    batches: int = 8


def rates(of: Rates) -> Traffic:
    """Independent sessions with these probabilities."""
    return lambda generator, sessions, runs: drawn(generator, of, sessions, runs)


def clients(behaviour: Behaviour) -> Traffic:
    """Sessions of clients who behave so, X by the first applicable turn."""
    return lambda generator, sessions, runs: observed(generator, behaviour, least, sessions, runs)


def _drift(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Failure rates between 0.5 % and 10 %; the slip swings between -1 % and exactly the margin of 0.5 %."""
    down = 0.0525 + 0.0475 * np.sin(t / 700)
    return down + np.where(np.sin(t / 300) > 0, 0.005, -0.004), down


def _outages(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Now and then both arms fail 30 % of requests for a hundred sessions, each by itself; else 1 %."""
    fails = np.where(t % 2_000 < 100, 0.3, 0.01)
    return fails * (1 - fails), fails * (1 - fails)


SCENARIOS = {
    "iid": Scenario("identical arms, each failing 3 % by itself", 0.0, rates(steady(0.0291, 0.0291)), 16),
    "rare": Scenario("identical arms, each failing 0.5 % by itself", 0.0, rates(steady(0.005, 0.005)), 16),
    "drift": Scenario(
        "failure rates drift between 0.5 % and 10 %, the slip between −0.4 % and the margin itself",
        0.005,
        rates(_drift),
        16,
    ),
    "zero": Scenario(
        "the baseline never fails, the candidate as often as the margin", 0.005, rates(steady(0.005, 0)), 16
    ),
    "outages": Scenario("server errors on both arms alike, in outages", 0.0, rates(_outages), 16),
    "retries": Scenario("clients ask again after a bad answer", 0.0, clients(Behaviour(0.2, 0.9))),
    "leaving": Scenario("clients leave after a bad answer", 0.0, clients(Behaviour(0.8, 0.05))),
    "aborts": Scenario(
        "clients break off bad answers, 60 % of them, and 1 % of good ones",
        0.0,
        clients(Behaviour(0.5, 0.5, 0.01, 0.6)),
    ),
    "turns": Scenario("sessions of several turns, hard ones and easy ones", 0.0, clients(Behaviour(0.8, 0.8))),
}


def stopped(name: str, batch: int, sessions: int = SESSIONS, runs: int = BATCH) -> Ints:
    """The session at which each run of a batch fails, 0 where it does not."""
    scenario = SCENARIOS[name]
    harm = Harm(runs, scenario.margin, (1 / ALPHA,), sessions)
    for x in scenario.traffic(rng(1, list(SCENARIOS).index(name), batch), sessions, runs):
        harm.fold(x)
    first: Ints = harm.stopped[0]
    return first


def measure() -> dict[str, Any]:
    """Alarms by scenario."""
    return {name: counted(name, scenario.batches) for name, scenario in SCENARIOS.items()}


def counted(name: str, batches: int) -> dict[str, Any]:
    """Runs, and alarms in all, in the first batch, and by session."""
    every = [stopped(name, batch) for batch in range(batches)]
    alarms = np.concatenate(every)
    return {
        "runs": len(alarms),
        "alarms": int((alarms > 0).sum()),
        "first_batch": int((every[0] > 0).sum()),
        "by": [int(((alarms > 0) & (alarms <= mark)).sum()) for mark in MARKS],
    }
