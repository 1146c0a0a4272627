"""The late-slip alert: how soon after a slip begins, and how rarely without one."""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict_report.engine import LateSlip
from verdict_report.figures import quantile, rng
from verdict_report.sections.power import CURVE

RUNS = 2_000
GUARDRAILS = 8
MARGIN = 0.005
RUN_LENGTH = 100_000
ONSET = 5_000
FAILS = 0.005
SLIPS = 0.059
SHORT = 1_000
"""A run length short enough to be measured."""
LONGEST = 40_000


def measure() -> dict[str, Any]:
    """Delay of the alert, false alerts before it, and the mean run length at a stated one of SHORT."""
    delays, early = _delays()
    return {
        "median": quantile(delays, 0.5),
        "p90": quantile(delays, 0.9),
        "curve": [quantile(delays, percent / 100) for percent in CURVE],
        "target": 400,
        "runs": RUNS,
        "early": early,
        "stated": SHORT,
        "run_lengths": {str(margin): _run_length(number, margin) for number, margin in enumerate((0.0, MARGIN))},
    }


def _row(generator: np.random.Generator, runs: int, slipping: float) -> np.ndarray:
    u = generator.random((runs, GUARDRAILS), dtype=np.float32)
    up = np.array([slipping] + [FAILS] * (GUARDRAILS - 1))
    return (u < up).astype(np.float32) - (u > 1 - FAILS)


def _delays() -> tuple[np.ndarray, int]:
    generator, late = rng(5, 0), LateSlip(RUNS, GUARDRAILS, MARGIN)
    early = 0
    for _ in range(ONSET):
        up = late.fold(_row(generator, late.runs, FAILS)) >= RUN_LENGTH
        early += int(up.sum())
        late.keep(~up)
    delays = np.zeros(late.runs, dtype=np.int64)
    for delay in range(1, 3_000):
        up = late.fold(_row(generator, len(delays), SLIPS)) >= RUN_LENGTH
        delays[up & (delays == 0)] = delay
        if delays.all():
            break
    return delays, early


def _run_length(number: int, slip: float) -> dict[str, float]:
    """Mean sessions to a false alert where every guardrail slips by exactly its margin, or not at all.

    Runs without one by LONGEST count as that many, so the mean is one from below.
    """
    generator, runs = rng(5, 1 + number), 2_000
    late = LateSlip(runs, GUARDRAILS, MARGIN)
    total = 0
    for _ in range(LONGEST):
        u = generator.random((late.runs, GUARDRAILS), dtype=np.float32)
        x = (u < FAILS + slip).astype(np.float32) - (u > 1 - FAILS)
        total += late.runs
        late.keep(late.fold(x) < SHORT)
        if not late.runs:
            break
    return {"mean": total / runs, "unfinished": late.runs / runs}
