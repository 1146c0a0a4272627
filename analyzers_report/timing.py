"""How long an analyzer takes for a pair that is already read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from analyzers.finding import Analyzer
from analyzers.pair import Pair
from analyzers.scoring import judge
from benchmarks.figures import quantile

TIMED = "Microseconds a pair, by the processor's clock:"
ROUNDS = 3
MOST = 2_000
"""Pairs that are timed; more say nothing new."""


def timed(analyzer: Analyzer, pairs: Sequence[Pair]) -> str:
    """Median and p99 over the pairs, each the median of its rounds."""
    rounds = [[_took(analyzer, pair) for pair in pairs[:MOST]] for _ in range(ROUNDS + 1)][1:]
    each = [median(times) for times in zip(*rounds, strict=True)]
    return f"median {median(each):,.0f}, p99 {quantile(each, 0.99):,.0f} ({len(each):,} pairs)."


def _took(analyzer: Analyzer, pair: Pair) -> float:
    began = time.process_time_ns()
    judge(analyzer, pair)
    return (time.process_time_ns() - began) / 1e3
