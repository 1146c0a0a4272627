"""Limits of measured error rates, and what no test can beat."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

import numpy as np
import numpy.typing as npt

SEED = 20_260


def rng(*path: int) -> np.random.Generator:
    """The random numbers of one part of the report, the same every time."""
    return np.random.default_rng([SEED, *path])


def upper_limit(hits: int, runs: int, level: float = 0.95) -> float:
    """One-sided exact upper limit of a probability (Clopper & Pearson 1934, Biometrika 26)."""
    if hits == runs:
        return 1.0

    def at_most(p: float) -> float:
        """P(Binomial(runs, p) <= hits)."""
        logs = [
            lgamma(runs + 1) - lgamma(k + 1) - lgamma(runs - k + 1) + k * log(p) + (runs - k) * log1p(-p)
            for k in range(hits + 1)
        ]
        return sum(exp(each) for each in logs)

    low, high = hits / runs, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(middle) > 1 - level else (low, middle)
    return high


def growth(up: float, down: float, margin: float) -> float:
    """g* = max over stakes of E log (1 + lambda X) / (1 + lambda margin): what the best bet grows by a session.

    No test of the same error rate needs fewer than log(1/alpha) / g* sessions on average, in the limit of small
    alpha (Wald 1945; Breiman 1961 for bets).
    """
    stake = np.linspace(0.0005, 0.9995, 2_000)
    value = up * np.log1p(stake) + down * np.log1p(-stake) - np.log1p(stake * margin)
    return float(value.max())


def quantile(stopped: npt.NDArray[np.int64], share: float) -> float | None:
    """The session by which this share of the runs has stopped; None where fewer ever did. 0 is never."""
    times = np.sort(np.where(stopped == 0, np.iinfo(np.int64).max, stopped))
    found = int(times[min(len(times) - 1, int(np.ceil(share * len(times))) - 1)])
    return None if found == np.iinfo(np.int64).max else found
