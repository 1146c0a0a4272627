"""Simulates the fleet, and keeps what came out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scale_report import arithmetic
from scale_report.assumed import PLAN, SEED, TRAFFIC, Plan, rate, stated
from scale_report.gateway import Gateway, Outcome
from scale_report.queues import done, loop_waits, messages

RESULT = Path(__file__).parent / "results" / "scale.json"
SECONDS = 60.0
"""Of arrivals. Streams that are open at the end are finished."""
SAMPLES = (0.0005, 0.005, 0.05, 0.2)
BUSY = (0.1, 0.3)
OUTAGE = 60.0
LOADS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
TASKS = 2_000_000
CHECKED = 20
"""Gateways that `--check` simulates again."""

Floats = npt.NDArray[np.float64]


def fleet(plan: Plan, count: int, gateways: int) -> Iterator[Outcome]:
    """The outcome of the first `count` of the fleet's gateways, each with random numbers of its own."""
    arrivals = TRAFFIC.requests * plan.sample / gateways
    for number in range(count):
        path = [SEED, round(plan.sample * 1e6), round(plan.busy * 100), number]
        yield Gateway(TRAFFIC, plan, arrivals, SECONDS, np.random.default_rng(path)).run()


def measure() -> dict[str, Any]:
    """Everything that the page shows."""
    gateways = arithmetic.gateways()
    plans = [replace(PLAN, sample=sample) for sample in SAMPLES] + [replace(PLAN, busy=busy) for busy in BUSY]
    found = {
        "stated": stated(),
        "gateways": gateways,
        "seconds": SECONDS,
        "fleets": [_fleet(plan, gateways) for plan in plans],
        "loop": [_loop(load) for load in LOADS],
        "checked": checked(gateways),
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    return found


def checked(gateways: int) -> dict[str, int]:
    """A part that is quick to simulate again: states of a few gateways at the highest sample."""
    total = Outcome()
    for each in fleet(replace(PLAN, sample=SAMPLES[-1]), CHECKED, gateways):
        total.add(each)
    return {f"{bin_} {state}": count for (bin_, state), count in sorted(total.states.items())}


def results() -> dict[str, Any]:
    """What came out last."""
    found: dict[str, Any] = json.loads(RESULT.read_text())
    return found


def _fleet(plan: Plan, gateways: int) -> dict[str, Any]:
    total, senders = Outcome(), []
    for number, each in enumerate(fleet(plan, gateways, gateways)):
        total.add(each)
        senders.append(np.full(len(each.scored), number))
    scored, completed = np.array(total.scored), np.array(total.completed)
    sender = np.concatenate(senders)
    rng = np.random.default_rng([SEED, 1, round(plan.sample * 1e6)])
    at, reports = messages(scored, sender, plan, rng)
    work = reports * TRAFFIC.findings / rate("findings_per_second")
    states: dict[str, list[int]] = {}
    for (bin_, state), count in total.states.items():
        states.setdefault(state, [0] * 5)[bin_] += count
    steady = (at > SECONDS / 2) & (at < SECONDS)
    return {
        "sample": plan.sample,
        "busy": plan.busy,
        "states": dict(sorted(states.items())),
        "most_in_flight": total.in_flight,
        "most_queued": total.queued,
        "scored_after_ms": _quantiles((scored - completed) * 1e3),
        "control_wait_ms": _quantiles((done(at, work) - at)[steady] * 1e3),
        "control_use": float(work[steady].sum() / (SECONDS / 2)),
        "messages_per_second": float(steady.sum() / (SECONDS / 2)),
        "outage": _outage(at, reports, work, gateways),
    }


def _outage(at: Floats, reports: Floats, work: Floats, gateways: int) -> dict[str, float]:
    """Control, or all of the channel, is away for a minute of steady traffic; then all that waited is folded.

    The arrivals of the last half are repeated, so that the traffic goes on long enough to see it caught up.
    """
    half = SECONDS / 2
    steady = (at >= half) & (at < SECONDS)
    base, held, took = at[steady] - half, reports[steady], work[steady]
    copies = 20
    arrived = np.concatenate([base + half * n for n in range(copies)])
    ends = done(arrived, np.tile(took, copies), down_until=OUTAGE)
    behind = ends - arrived > 1.0
    waiting = held.sum() / half * OUTAGE
    return {
        "reports_waiting": float(waiting),
        "reports_waiting_each": float(waiting / gateways),
        "caught_up_after": float(ends[behind][-1] - OUTAGE) if behind.any() else 0.0,
        "never": float(behind[-1]),
    }


def _loop(load: float) -> dict[str, Any]:
    waits = loop_waits(load, TASKS, TRAFFIC, np.random.default_rng([SEED, 2, round(load * 100)]))
    return {"load": load, "wait_us": _quantiles(waits * 1e6)}


def _quantiles(values: Floats) -> list[float]:
    """Median, p99, p99.9."""
    return [float(each) for each in np.quantile(values, [0.5, 0.99, 0.999])]
