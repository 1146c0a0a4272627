"""What the sessions so far say of one guardrail: harm, safe, and an interval for the slip. Pure.

Harm and safe are two questions. Harm (`verdict.harm`) asks whether the slip has exceeded the margin in any stretch
of the traffic, at the guardrail's share of alpha, and is latched: a rollback stays one. Safe asks whether the slip
over all sessions so far is below the margin, and is asked anew at the moment of promotion: its bets run from the
first session on, with stakes that never change,

    E = sum_k w_k prod_i (1 - lambda_k X_i) / (1 - lambda_k margin).

-log(1 - lambda mu) is convex in mu, so wherever the running slip is at least the margin, E is at most a test
martingale, and P(ever safe while it is) <= alpha by Ville's inequality, whatever the traffic does in between
(Waudby-Smith & Ramdas, arXiv 2010.09686, section 4, for the bets; the running mean under drift is also the estimand
of Howard et al., arXiv 1810.08240, section 2). An intersection-union test (Berger 1982) needs no share of alpha:
every required guardrail must be safe, each at the full alpha.

Where a session's X is not known, because its answer went missing after it was asked for, the least it can be counts
for harm and the most for safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

from verdict.bets import SAFE_STAKES, stakes
from verdict.counts import Counts
from verdict.harm import Harm


class Evidence:
    """The evidence on one guardrail, of a size that does not grow with the sessions.

    `margin` is its largest tolerable slip, `alpha` its share of the probability of a false `fail`.
    """

    __slots__ = ("alpha", "failed", "harm", "high", "known", "low", "margin", "sessions")

    def __init__(self, margin: float, alpha: float) -> None:
        if not 0 <= margin < 1:
            raise ValueError(f"found a margin of {margin}, should be from 0 to below 1")
        if not 0 < alpha < 1:
            raise ValueError(f"found an alpha of {alpha}, should be between 0 and 1")
        self.margin = margin
        self.alpha = alpha
        self.sessions = 0
        self.known = 0
        """Sessions of which X is known."""
        self.failed = False
        self.harm = Harm(margin)
        self.low = Counts()
        """With the least that X can be."""
        self.high = Counts()
        """With the most that it can be."""

    def observe(self, low: float, high: float, discount: float = 1.0) -> None:
        """Fold one session in order of arrival: X = F(candidate) - F(baseline) is from `low` to `high`.

        They are the same where X is known. `discount` is pi_min / pi: see `verdict.weights`. Raises ValueError,
        with nothing folded, where -1 <= low <= high <= 1 or 0 < discount <= 1 does not hold.
        """
        if not (-1 <= low <= high <= 1 and 0 < discount <= 1):
            raise ValueError(f"found X from {low} to {high} at discount {discount}")
        self.sessions += 1
        self.known += low == high
        self.low.add(low, discount)
        self.high.add(high, discount)
        if not self.failed:
            # What comes after the failure changes nothing of it: e_value stays that of the deciding session.
            self.harm.observe(low, discount)
            self.failed = self.harm.e_value * self.alpha >= 1

    @property
    def harm_log_e(self) -> float:
        """Natural logarithm of the e-value for harm; `failed` at log(1/alpha)."""
        return self.harm.log_e

    @property
    def safe_log_e(self) -> float:
        """Natural logarithm of the e-value for safe, now."""
        return self.high.log_e(SAFE_STAKES, self.margin, side=-1)

    def safe(self, alpha: float) -> bool:
        """Whether the slip so far is known to be below the margin, at this alpha, now. Never without sessions."""
        return self.safe_log_e >= log(1 / alpha)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Bounds of the running slip, the mean of X over all sessions so far, at any time at which one looks.

        They are the margins that the same bets, all started at the first session, do not reject: from above those
        for safe at `alpha`; from below those for harm at half of the guardrail's own alpha, as half of its capital
        starts there. So the interval never contradicts the verdict: above the margin only where it has failed,
        below the margin exactly where it is safe. Both bounds hold at all times together with probability at least
        1 - alpha - self.alpha / 2, weighted by the discounts.
        """
        lower = self.low.bound(stakes(self.margin), log(2 / self.alpha))
        upper = self.high.bound(SAFE_STAKES, log(1 / alpha), side=-1)
        # Rounding must not say what the e-values do not.
        lower = lower if self.failed else min(lower, self.margin)
        upper = min(upper, self.margin) if self.safe(alpha) else max(upper, self.margin)
        return lower, upper

    def dump(self) -> dict[str, Any]:
        """All of it, as JSON takes it; `load` goes on as if it had never stopped."""
        return {
            "margin": self.margin,
            "alpha": self.alpha,
            "sessions": self.sessions,
            "known": self.known,
            "failed": self.failed,
            "harm": self.harm.dump(),
            "low": self.low.dump(),
            "high": self.high.dump(),
        }

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> Evidence:
        """The evidence of which `dump` told."""
        evidence = cls(dumped["margin"], dumped["alpha"])
        evidence.sessions, evidence.known, evidence.failed = (
            dumped["sessions"],
            dumped["known"],
            dumped["failed"],
        )
        evidence.harm = Harm(evidence.margin, **dumped["harm"])
        evidence.low, evidence.high = Counts.load(dumped["low"]), Counts.load(dumped["high"])
        return evidence
