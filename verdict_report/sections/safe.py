"""How soon equal arms are known to be safe, and how often a slip of exactly the margin is said to be."""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict.bets import SAFE_STAKES
from verdict_report.engine import NEVER, Constant
from verdict_report.figures import quantile, rng
from verdict_report.traffic import Rates, drawn, steady

ALPHA = 0.05
RUNS = 20_000
TOGETHER = 5
LONGEST = 60_000
CELLS = {
    (0.005, 0.005): (1551, 3505, 3429),
    (0.005, 0.01): (594, 1171, 1174),
    (0.005, 0.02): (212, 414, 422),
    (0.01, 0.005): (2481, 6316, 6204),
    (0.01, 0.01): (748, 1850, 1706),
    (0.01, 0.02): (266, 547, 547),
    (0.03, 0.005): (8800, 20640, 20912),
    (0.03, 0.01): (1936, 4754, 4958),
    (0.03, 0.02): (518, 1247, 1256),
}
"""By discordance and margin, what was first measured of this process: median, 90th percentile, median of five."""
FALSE_RUNS = 10_000
FALSE_SESSIONS = 20_000


def measure() -> dict[str, Any]:
    """Sessions to safe by discordance and margin, and false passes."""
    cells = [_cell(number, *cell) for number, cell in enumerate(CELLS)]
    return {"cells": cells, "false": [_false(number, margin) for number, margin in enumerate((0.005, 0.02))]}


def _first(generator: np.random.Generator, rates: Rates, margin: float, *, runs: int, sessions: int) -> np.ndarray:
    """The session at which each run is first known to be safe."""
    bets, stopped = Constant(runs, SAFE_STAKES, -1, margin), np.full(runs, NEVER)
    for x in drawn(generator, rates, sessions, runs):
        for row in x:
            bets.fold(row)
            stopped[(stopped == NEVER) & (bets.e_value(margin) >= 1 / ALPHA)] = bets.session
        if (stopped != NEVER).all():
            break
    return stopped


def _cell(number: int, discordance: float, margin: float) -> dict[str, Any]:
    stopped = _first(rng(6, number), steady(discordance / 2, discordance / 2), margin, runs=RUNS, sessions=LONGEST)
    ever = np.where(stopped == NEVER, LONGEST + 1, stopped)
    together = ever.reshape(-1, TOGETHER).max(axis=1)
    return {
        "discordance": discordance,
        "margin": margin,
        "median": quantile(stopped, 0.5),
        "p90": quantile(stopped, 0.9),
        "together": int(np.median(together)),
        "reference": CELLS[discordance, margin],
    }


def _false(number: int, margin: float) -> dict[str, Any]:
    stopped = _first(
        rng(6, 50 + number), steady(0.01 + margin, 0.01), margin, runs=FALSE_RUNS, sessions=FALSE_SESSIONS
    )
    return {"margin": margin, "runs": FALSE_RUNS, "passes": int((stopped != NEVER).sum())}
