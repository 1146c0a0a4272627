"""How long answers took, by arm and leg. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proxy.report import GAP_BUCKETS, ArmReport

TOKEN_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
"""Upper bounds, in seconds, by which times to the first token are counted."""
LEGS = (
    *((arm, leg) for arm in ("baseline", "candidate") for leg in ("primary", "mirror")),
    ("baseline", "repeat"),
)


class Bins:
    """A histogram: how many values were at most each of `bounds` and above the one before, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """The last is of values above all bounds."""
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, counts: Iterable[int], total: float) -> None:
        """Count values that were counted by the same bounds elsewhere."""
        for place, count in enumerate(counts):
            if count:
                self.counts[place] += count
        self.total += total


@dataclass(slots=True)
class Leg:
    """One leg to one arm, over all pairs that were read."""

    first_token: Bins = field(default_factory=lambda: Bins(TOKEN_BUCKETS))
    gaps: Bins = field(default_factory=lambda: Bins(GAP_BUCKETS))

    def add(self, told: ArmReport) -> None:
        """Count one answer."""
        first_token, gaps, gap_seconds = told
        if first_token is not None:
            self.first_token.observe(first_token)
        if gaps:
            self.gaps.add(gaps, gap_seconds)
