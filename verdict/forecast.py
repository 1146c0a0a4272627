"""How many more sessions a guardrail is likely to need. A guess, and no part of any guarantee. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log
from typing import NamedTuple

from verdict.bets import SAFE_STAKES, log_sum_exp, stakes
from verdict.counts import LOG_SHARES, Counts
from verdict.evidence import Evidence

FARTHEST = 10_000_000
"""Sessions beyond which nothing is forecast."""


class Forecast(NamedTuple):
    """What a guardrail is heading for if sessions go on as they have."""

    sessions: int
    """Still needed."""
    fails: bool
    """Whether it will fail by then, or else be safe."""


def forecast(evidence: Evidence, alpha: float) -> Forecast | None:
    """The nearer of `fail` and of safe at `alpha`; None where neither is in sight."""
    if not evidence.sessions:
        return None
    margin = evidence.margin
    harm = _sessions_until(
        [log(held) for held in evidence.harm.capital],
        _growths(evidence.low, stakes(margin), margin, 1),
        log(1 / evidence.alpha),
    )
    logs = evidence.high.logs(SAFE_STAKES, margin, side=-1)
    safe = _sessions_until(
        [share + each for share, each in zip(LOG_SHARES, logs, strict=True)],
        _growths(evidence.high, SAFE_STAKES, margin, -1),
        log(1 / alpha),
    )
    found = [Forecast(sessions, fails) for sessions, fails in ((harm, True), (safe, False)) if sessions is not None]
    return min(found, default=None)


def _growths(counts: Counts, staked: Sequence[float], margin: float, side: int) -> list[float]:
    """By how much the log of each bet has grown a session."""
    return [value / counts.sessions for value in counts.logs(staked, margin, side)]


def _sessions_until(logs: Sequence[float], growths: Sequence[float], threshold: float) -> int | None:
    """Sessions until the bets together reach the threshold, to a thousandth; None where they never do.

    The log of their sum is convex in the sessions, so from below the threshold it has one crossing ahead, if any.
    """

    def reached(sessions: float) -> bool:
        return log_sum_exp([each + sessions * by for each, by in zip(logs, growths, strict=True)]) >= threshold

    if not reached(FARTHEST):
        return None
    low, high = 0.0, float(FARTHEST)
    while high - low > max(0.5, high / 1_000):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return ceil(high)
