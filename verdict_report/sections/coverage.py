"""How often the interval ever misses the running slip, with a look after every session."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from verdict.bets import SAFE_STAKES, stakes
from verdict.evidence import Evidence
from verdict_report.engine import Constant
from verdict_report.figures import rng
from verdict_report.traffic import Rates, drawn, steady

HARM, SAFE = 0.01, 0.05
RUNS = 10_000
SESSIONS = 20_000
MARGIN = 0.005
WIDTHS = (300, 1_000, 3_000, 10_000, 30_000)


class Truth(NamedTuple):
    """Traffic whose running slip is known."""

    words: str
    rates: Rates


def _swinging(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Failure rates drift and the slip swings between -2 and +4 points."""
    down = 0.04 + 0.015 * np.sin(t / 900)
    return down + 0.01 + 0.03 * np.sin(t / 400), down


TRUTHS = {
    "equal": Truth("identical arms, each failing 1 % by itself", steady(0.0099, 0.0099)),
    "slip": Truth("JSON 1.4 → 6.8 %", steady(0.059, 0.005)),
    "swinging": Truth("rates drift, and the slip swings between −2 and +4 points", _swinging),
}


def measure() -> dict[str, Any]:
    """Misses by traffic and side, and how wide the interval is at what is expected."""
    misses = {name: _misses(number, truth) for number, (name, truth) in enumerate(TRUTHS.items())}
    return {"runs": RUNS, "misses": misses, "widths": [_widths(*each) for each in ((0.005, 0.005), (0.059, 0.005))]}


def _misses(number: int, truth: Truth) -> dict[str, int]:
    lower, upper = np.zeros(RUNS, dtype=bool), np.zeros(RUNS, dtype=bool)
    up, down = truth.rates(np.arange(1, SESSIONS + 1))
    running = np.cumsum(up - down) / np.arange(1, SESSIONS + 1)
    below, above = (
        Constant(RUNS, staked, side, running[-1]) for side, staked in ((1, stakes(MARGIN)), (-1, SAFE_STAKES))
    )
    for x in drawn(rng(7, number), truth.rates, SESSIONS, RUNS):
        for row in x:
            slip = running[below.session]
            below.fold(row)
            above.fold(row)
            # The bound is past the slip exactly where the bets reject the slip: their e-value is monotone in it.
            lower |= below.e_value(slip) >= 2 / HARM
            upper |= above.e_value(slip) >= 1 / SAFE
    return {"lower": int(lower.sum()), "upper": int(upper.sum()), "either": int((lower | upper).sum())}


def _widths(up: float, down: float) -> dict[str, Any]:
    """The interval after sessions that went exactly as expected."""
    found = []
    for sessions in WIDTHS:
        evidence = Evidence(MARGIN, HARM)
        for counts in (evidence.low, evidence.high):
            for x, share in ((1, up), (-1, down), (0, 1 - up - down)):
                counts.add(x, count=share * sessions)
        evidence.failed = True  # the bounds as they are, whatever harm says
        found.append(evidence.interval(SAFE))
    return {"up": up, "down": down, "intervals": found}
