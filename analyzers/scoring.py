"""One analyzer over one pair: the same few lines in a worker, in a test and in an offline recount."""

from __future__ import annotations

from dataclasses import replace

from analyzers.finding import Analyzer, Finding, Need
from analyzers.pair import Pair


def judge(analyzer: Analyzer, pair: Pair) -> Finding | Need | None:
    """The analyzer's finding, or None where the pair is not applicable to it.

    A pair with an unserved arm is left to analyzers that score just that; so is an unserved repeat. Either arm's
    failure leaves the pair out alike, so equal arms still look equal. What the analyzer raises passes through.
    """
    if not analyzer.scores_unserved:
        if not (pair.baseline.served and pair.candidate.served):
            return None
        if pair.repeat is not None and not pair.repeat.served:
            pair = replace(pair, repeat=None)
    return analyzer.score(pair) if analyzer.applies(pair) else None
