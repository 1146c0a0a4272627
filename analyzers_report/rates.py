"""From counts to rates with 95 % intervals. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from analyzers_report.cases import Cells

Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n`, as a share."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """The share; 0 where nothing was counted."""
        return self.hits / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval, 95 % (Wilson 1927, J. Am. Stat. Assoc. 22:209): (0, 1) where n is 0."""
        if not self.n:
            return 0.0, 1.0
        middle = self.share + Z * Z / (2 * self.n)
        half = Z * sqrt(self.share * (1 - self.share) / self.n + Z * Z / (4 * self.n * self.n))
        whole = 1 + Z * Z / self.n
        return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)

    def __str__(self) -> str:
        if not self.n:
            return "–"
        low, high = self.interval
        return f"{100 * self.share:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def sensitivity(cells: Cells) -> Rate:
    """Of what had failed, the share that was called failed."""
    return Rate(cells[True, True], cells[True, True] + cells[True, False])


def specificity(cells: Cells) -> Rate:
    """Of what was good, the share that was not called failed."""
    return Rate(cells[False, False], cells[False, False] + cells[False, True])


def precision(cells: Cells) -> Rate:
    """Of what was called failed, the share that had. It depends on how many had, here half or so."""
    return Rate(cells[True, True], cells[True, True] + cells[False, True])


def accuracy(cells: Cells) -> Rate:
    """The share that was judged as labelled."""
    return Rate(cells[True, True] + cells[False, False], cells.total())


def total(every: Sequence[Cells]) -> Cells:
    """All counts in one."""
    return sum(every, Counter[tuple[bool, bool]]())


def auc(scored: Sequence[tuple[bool, float]]) -> float:
    """The chance that one that had failed scores above one that had not, ties half (Mann-Whitney's U over n·m).

    Raises ValueError where either kind is missing.
    """
    bad = sum(had for had, _ in scored)
    good = len(scored) - bad
    if not bad or not good:
        raise ValueError("the area under the curve needs both kinds")
    ordered = sorted(scored, key=lambda each: each[1])
    above, at, below = 0.0, 0, 0
    while at < len(ordered):
        tied = at
        while tied < len(ordered) and ordered[tied][1] == ordered[at][1]:
            tied += 1
        failed = sum(had for had, _ in ordered[at:tied])
        passed = tied - at - failed
        above += failed * (below + passed / 2)
        below += passed
        at = tied
    return above / (bad * good)
