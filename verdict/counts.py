"""What the sessions of one guardrail came to, for bets that all began with the first of them. Pure.

The capital of such a bet does not depend on the order of the sessions, so counts are enough to know it for every
margin at once. The interval and the evidence for "safe" are read off them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import exp, expm1, log

from verdict.bets import SHARES, log_sum_exp

MOST_DISCOUNTS = 16
"""Discounts that are kept apart. Sampling rates are set by hand, and few."""
LOG_SHARES = tuple(log(share) for share in SHARES)
EXACT = 1e-12
"""The bound is sought until a step is smaller than this."""


class Counts:
    """How often X was 1, 0 and -1, by discount.

    An X between them is a mean over the choices of one answer, and counts for both its neighbours, by its distance.
    So does a discount beyond MOST_DISCOUNTS. As log is concave, that makes evidence on either side smaller, never
    larger.
    """

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells = {1.0: [0.0, 0.0, 0.0]}
        """By discount: sessions, the sum of max(X, 0), and that of max(-X, 0)."""

    def add(self, x: float, discount: float = 1.0, count: float = 1.0) -> None:
        """Count one session."""
        cell = self._cells.get(discount)
        if cell is None:
            if len(self._cells) >= MOST_DISCOUNTS:
                self._spread(x, discount)
                return
            cell = self._cells[discount] = [0.0, 0.0, 0.0]
        cell[0] += count
        if x > 0:
            cell[1] += count * x
        elif x < 0:
            cell[2] -= count * x

    def _spread(self, x: float, discount: float) -> None:
        known = [0.0, *sorted(self._cells)]
        place = bisect_left(known, discount)
        below, above = known[place - 1], known[place]
        nearness = (discount - below) / (above - below)
        self.add(x, above, nearness)
        if below:
            self.add(x, below, 1 - nearness)

    @property
    def sessions(self) -> float:
        """How many were counted."""
        return sum(cell[0] for cell in self._cells.values())

    def logs(self, stakes: Sequence[float], margin: float, side: int = 1) -> list[float]:
        """Of each bet, the log of prod (1 + side lambda X) / (1 + side lambda margin): what a capital of 1 became.

        Side 1 bets that the slip exceeds the margin, side -1 that it is below.
        """
        return [value for value, _ in self._logs(stakes, side * margin, side)]

    def log_e(self, stakes: Sequence[float], margin: float, side: int = 1) -> float:
        """The log of what all bets hold together, each having begun with its share."""
        logs = self.logs(stakes, margin, side)
        return log_sum_exp([share + each for share, each in zip(LOG_SHARES, logs, strict=True)])

    def bound(self, stakes: Sequence[float], threshold: float, side: int = 1) -> float:
        """The margin at which log_e is `threshold`: lower bound of the slip on side 1, upper bound on side -1.

        In the margin times `side`, log_e falls and is convex, so Newton's steps from below never pass the root.
        """
        m = self._start(stakes, threshold, side)
        for _ in range(200):
            bets = self._logs(stakes, m, side)
            logs = [share + each for share, (each, _) in zip(LOG_SHARES, bets, strict=True)]
            value = log_sum_exp(logs)
            slope = sum(steep * exp(each - value) for each, (_, steep) in zip(logs, bets, strict=True))
            if value <= threshold or slope >= 0:
                break
            m, before = min(1.0, m - (value - threshold) / slope), m
            if m - before < EXACT:
                break
        return side * m

    def _start(self, stakes: Sequence[float], threshold: float, side: int) -> float:
        """A margin, times `side`, that is not above the bound: the most that a single bet rejects."""
        n = self._cells[1.0][0]
        if not n or len(self._cells) > 1:
            return -1.0
        held = zip(LOG_SHARES, self.logs(stakes, 0.0, side), stakes, strict=True)
        return max(-1.0, *(expm1((share + value - threshold) / n) / stake for share, value, stake in held))

    def _logs(self, stakes: Sequence[float], m: float, side: int) -> list[tuple[float, float]]:
        """Of each bet the log and its slope in `m`, of X and margin times `side`."""
        cells = [
            (discount, up if side > 0 else down, down if side > 0 else up, max(0.0, n - up - down))
            for discount, (n, up, down) in self._cells.items()
            if n
        ]
        found = []
        for stake in stakes:
            value, slope, unit = 0.0, 0.0, 1 + stake * m
            for discount, won, lost, even in cells:
                for count, held in ((won, 1 + stake), (lost, 1 - stake), (even, 1.0)):
                    if count:
                        factor = 1 - discount + discount * held / unit
                        value += count * log(factor)
                        slope -= count * discount * stake * held / (unit * unit * factor)
            found.append((value, slope))
        return found

    def dump(self) -> list[list[float]]:
        """As JSON takes it: discount, sessions, sum of max(X, 0), sum of max(-X, 0)."""
        return [[discount, *cell] for discount, cell in self._cells.items()]

    @classmethod
    def load(cls, dumped: Iterable[list[float]]) -> Counts:
        """The counts of which `dump` told."""
        counts = cls()
        counts._cells |= {discount: cell for discount, *cell in dumped}
        return counts
