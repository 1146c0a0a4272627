"""One analyzer over one pair: the same few lines in a worker, in a test and in an offline recount."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from analyzers.finding import Analyzer, Finding, PerAnswer, Reply, Result
from analyzers.pair import Choice, End, Exchange, Pair, Request

_NOTHING_KNOWN = (End.ABORTED, End.TOO_LARGE)
"""Ends that say nothing about the arm."""
_BLANK = Exchange(End.COMPLETE, 200, choices=(Choice(),))
UNSEEN = Exchange(End.ABORTED)
"""An answer of which nothing is known."""


class Bounds(NamedTuple):
    """What X of one variable can be."""

    variable: str
    low: float
    high: float


def judge(analyzer: Analyzer, pair: Pair, replies: tuple[Reply, ...] = ()) -> Result | None:
    """What the analyzer says, or None where it does not apply to the pair.

    A pair with an unserved arm is left to analyzers that score just that; so is an unserved repeat. Either arm's
    failure leaves the pair out alike, so equal arms still look equal. What the analyzer raises passes through.
    """
    if not analyzer.scores_unserved:
        if not (pair.baseline.served and pair.candidate.served):
            return None
        if pair.repeat is not None and not pair.repeat.served:
            pair = replace(pair, repeat=None)
    return analyzer.score(pair, replies) if analyzer.applies(pair) else None


def bounds(analyzer: Analyzer, pair: Pair) -> Bounds | None:
    """What X can be of a pair of which an answer is not known; None where the analyzer would give no finding.

    F is one function for both arms, so that an answer that is known is judged in both places: it bounds X by what
    is left to the other. The population depends on the request alone, so where neither is known a blank answer
    finds it out. What the analyzer raises passes through.
    """
    arms = (pair.baseline, pair.candidate)
    if not analyzer.scores_unserved and any(not arm.served and arm.end not in _NOTHING_KNOWN for arm in arms):
        return None  # left out as in `judge`, whatever the other arm would have said
    if not analyzer.applies(pair):
        return None
    baseline, candidate = (arm if _known(analyzer, pair.request, arm) else None for arm in arms)
    one, other = baseline or candidate or _BLANK, candidate or baseline or _BLANK
    found = analyzer.score(replace(pair, baseline=one, candidate=other, repeat=None))
    if not isinstance(found, Finding):
        return None
    b, c = found.baseline.failed, found.candidate.failed
    low = (0.0 if candidate is None else c) - (1.0 if baseline is None else b)
    high = (1.0 if candidate is None else c) - (0.0 if baseline is None else b)
    return Bounds(found.variable, low, high)


def _known(analyzer: Analyzer, request: Request, arm: Exchange) -> bool:
    """Whether F of this answer is."""
    if arm.end is End.TOO_LARGE and isinstance(analyzer, PerAnswer) and analyzer.condemns(request, arm):
        return True
    return arm.served or (analyzer.scores_unserved and arm.end is not End.ABORTED)
