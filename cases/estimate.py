"""What a sample says of the traffic it was drawn from, and what reviewers say of the analyzers. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.finding import Finding
from cases.case import Judged
from cases.pool import Precision, Rate
from cases.sampling import Draw

Failed = tuple[str, float, float]
"""A variable, and F of baseline and candidate by it."""
RIGHT = frozenset({Judged.SLIP, Judged.BOTH_BAD})
"""Judgements that what the analyzer found is there."""


def failed(findings: Iterable[Finding]) -> tuple[Failed, ...]:
    """What is kept of a pair for its rates."""
    return tuple((each.variable, each.baseline.failed, each.candidate.failed) for each in findings)


def rates(members: Iterable[tuple[Draw, Iterable[Failed]]]) -> dict[str, Rate]:
    """By variable, the share of the pairs it applied to that each arm failed.

    Both sums are unbiased (see `cases.sampling`); of their ratio, the bias is of the order of 1/members (Hajek).
    """
    sums: dict[str, list[float]] = {}
    for draw, findings in members:
        for variable, baseline, candidate in findings:
            row = sums.setdefault(variable, [0.0, 0.0, 0.0])
            for at, value in enumerate((1.0, baseline, candidate)):
                row[at] += value / draw.probability
    return {
        variable: Rate(pairs, baseline / pairs, candidate / pairs)
        for variable, (pairs, baseline, candidate) in sorted(sums.items())
    }


def precision(judged: Iterable[tuple[str, str]]) -> dict[str, Precision]:
    """By analyzer, how many judgements were for it and against it, from (analyzer, what was judged)."""
    counts: dict[str, list[int]] = {}
    for analyzer, word in judged:
        counts.setdefault(analyzer, [0, 0])[word not in RIGHT] += 1
    return {analyzer: Precision(right, wrong) for analyzer, (right, wrong) in sorted(counts.items())}
