"""How soon harm fails a candidate that slips."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import Any, NamedTuple

import numpy as np

from verdict_report.engine import Harm
from verdict_report.figures import growth, quantile, rng
from verdict_report.traffic import drawn, late, steady

ALPHA = 0.01
RUNS = 10_000
WEIGHTS = (1.0, 1 / 8)
ONSET = 5_000
CURVE = tuple(range(2, 100, 2))
"""Percent of runs whose times are drawn."""


class Slip(NamedTuple):
    """A slip, and the most sessions that it may take: median and 90th percentile for each weight."""

    words: str
    up: float
    down: float
    margin: float
    onset: int
    sessions: int
    targets: tuple[tuple[int, int | None], tuple[int, int | None]]
    of_optimum: float


SLIPS = {
    "json": Slip("JSON 1.4 → 6.8 %, margin 0", 0.059, 0.005, 0.0, 0, 3_000, ((220, 390), (300, 500)), 1.3),
    "json_margin": Slip(
        "JSON 1.4 → 6.8 %, margin 0.5 %", 0.059, 0.005, 0.005, 0, 3_000, ((255, 455), (360, 590)), 1.3
    ),
    "refusal": Slip("refusals 2 → 3 %, margin 0", 0.011, 0.001, 0.0, 0, 15_000, ((1150, 2050), (1600, 2700)), 1.3),
    "late": Slip(
        "JSON 1.4 → 6.8 % after 5,000 sessions, margin 1 %",
        *(0.059, 0.005, 0.01, ONSET, ONSET + 4_000),
        ((600, None), (740, None)),
        2.5,
    ),
}


def measure() -> dict[str, Any]:
    """Of each slip and weight: median, 90th percentile, the optimum, and the curve between."""
    return {name: list(_measured(name, slip)) for name, slip in SLIPS.items()}


def _measured(name: str, slip: Slip) -> Iterator[dict[str, Any]]:
    harm = Harm(RUNS, slip.margin, [1 / (weight * ALPHA) for weight in WEIGHTS], slip.sessions)
    rates = late(slip.onset, slip.up, slip.down) if slip.onset else steady(slip.up, slip.down)
    for x in drawn(rng(4, list(SLIPS).index(name)), rates, slip.sessions, RUNS):
        harm.fold(x)
        if (harm.stopped > 0).all():
            break
    for weight, stopped, target in zip(WEIGHTS, harm.stopped, slip.targets, strict=True):
        early = (stopped > 0) & (stopped <= slip.onset)
        delays = np.where(stopped > 0, stopped - slip.onset, 0)[~early]
        yield {
            "weight": weight,
            "median": quantile(delays, 0.5),
            "p90": quantile(delays, 0.9),
            "targets": target,
            "optimum": log(1 / (weight * ALPHA)) / growth(slip.up, slip.down, slip.margin),
            "early": int(early.sum()),
            "curve": [quantile(delays, percent / 100) for percent in CURVE],
        }
