"""The alert on a slip that begins late, over all guardrails. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verdict.bets import BETS, SHARES, factors
from verdict.guardrails import Guardrail

ENOUGH = 2.0
"""A guardrail's part stops growing at this multiple of the run length, so that an alert ends with its cause."""


class LateSlip:
    """A Shiryaev-Roberts e-detector: the sum, over all sessions, of the bets that began with each of them.

    For each guardrail and bet R_t = (R_{t-1} + 1) b_t, and the alert is up while sum_g w_g sum_k w_k R_gk is at
    least the run length. One session adds at most sum_g w_g = 1 in expectation while no slip exceeds its margin, so
    sessions until a false alert are at least the run length on average (Shin, Ramdas & Rinaldo, arXiv 2203.03532,
    section 2: the SR e-detector, its mixtures, and E[N] >= A for an alert at A).

    It alerts and never rolls back: given long enough it is bound to be wrong. It is no e-process and keeps no error
    rate over all time; `verdict.harm` does.
    """

    def __init__(self, guardrails: Iterable[Guardrail], run_length: float) -> None:
        self.run_length = run_length
        self._guardrails = {each.name: each for each in guardrails}
        self._sums = {name: [0.0] * BETS for name in self._guardrails}
        self._value = dict.fromkeys(self._guardrails, 0.0)

    def observe(self, guardrail: str, x: float, discount: float = 1.0) -> None:
        """Fold the least X one session can have, in order of arrival. Raises KeyError for another guardrail."""
        about, sums = self._guardrails[guardrail], self._sums[guardrail]
        won = factors(about.margin, x, discount)
        sums[:] = [(held + share) * each for held, share, each in zip(sums, SHARES, won, strict=True)]
        value = about.weight * sum(sums)
        if value > (most := ENOUGH * self.run_length):
            sums[:] = [held * most / value for held in sums]
            value = most
        self._value[guardrail] = value

    @property
    def value(self) -> float:
        """The weighted sum over all guardrails now."""
        return sum(self._value.values())

    @property
    def alert(self) -> bool:
        """Whether a slip has begun, at the run length declared. It ends by itself where the slip does."""
        return self.value >= self.run_length

    @property
    def values(self) -> Mapping[str, float]:
        """Each guardrail's part of the value: where to look."""
        return self._value

    def dump(self) -> dict[str, Any]:
        """As JSON takes it; a float survives it exactly."""
        return {name: list(sums) for name, sums in self._sums.items()}

    def restore(self, dumped: Mapping[str, list[float]]) -> None:
        """Go on from what `dump` told. Guardrails that are new begin at 0, those that are gone are left out."""
        for name, sums in self._sums.items():
            if name in dumped:
                sums[:] = dumped[name]
                self._value[name] = self._guardrails[name].weight * sum(sums)
