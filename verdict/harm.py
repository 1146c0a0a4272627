"""Evidence that the slip exceeds its margin, or did for a while. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import Any

from verdict.bets import BETS, SHARES, factors

LATE = 1_000
"""The session by which half of what starts late has started."""


class Harm:
    """An e-process against "the slip is at most the margin at every moment".

    Half of the capital is at stake from the first session on. The other half starts late, with
    P(start > t) = 1 / (1 + t/LATE), so that a slip that begins after thousands of good sessions need not first win
    back what those have cost: M_t = (M_{t-1} + omega_t) b_t for each bet, where omega_t starts at session t.
    A mixture over starts of e-processes is an e-process, as what has not started yet is capital kept
    (Shin, Ramdas & Rinaldo, arXiv 2203.03532, section 2; Shafer et al. 2011, "Test martingales, Bayes factors and
    p-values", section 4).
    """

    __slots__ = ("_capital", "count", "margin")

    def __init__(self, margin: float, count: int = 0, capital: Iterable[float] | None = None) -> None:
        self.margin = margin
        self.count = count
        self._capital = [share / 2 for share in SHARES] if capital is None else list(capital)
        if len(self._capital) != BETS:
            raise ValueError(f"found capital of {len(self._capital)} bets, should be {BETS}")

    def observe(self, x: float, discount: float = 1.0) -> None:
        """Fold one session's X in [-1, 1]."""
        self.count = t = self.count + 1
        starting = LATE / 2 / ((LATE + t - 1) * (LATE + t))
        won = factors(self.margin, x, discount)
        self._capital = [
            (held + starting * share) * each for held, share, each in zip(self._capital, SHARES, won, strict=True)
        ]

    @property
    def e_value(self) -> float:
        """The capital now, of 1 at the beginning."""
        return sum(self._capital) + self.waiting

    @property
    def waiting(self) -> float:
        """The capital that has not started yet."""
        return LATE / 2 / (LATE + self.count)

    @property
    def log_e(self) -> float:
        """The natural logarithm of the capital."""
        return log(self.e_value)

    @property
    def capital(self) -> tuple[float, ...]:
        """What each bet holds."""
        return tuple(self._capital)

    def dump(self) -> dict[str, Any]:
        """As JSON takes it; a float survives it exactly."""
        return {"count": self.count, "capital": list(self._capital)}
