"""Whether what was measured is like what was to be measured. Pure.

Sessions are sampled by chance, so what is sampled is like what is served. What is lost on the way need not be:
long prompts outgrow budgets, deadlines and captures. A candidate that was measured on the rest is known to be safe
on the rest alone, so this blocks promotion, and never rollback: a slip that was found is one. Requests that the
gateway sheds while its loop is late are not told: that falls on whatever comes then, and is to cost nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

ENOUGH = 100
"""Sampled requests of a segment below which nothing is said of it."""
SHARE = 0.01
"""Segments smaller than this share of what was sampled are left out."""
ALIKE = 1_024
"""Most kinds of request that are counted together for later."""
LEAST = 0.5
"""Measured at less than this much of the overall rate, a segment is not covered."""


class Coverage:
    """Counts by segment, `attribute=value`, of sampled requests and of those that were measured."""

    def __init__(self) -> None:
        self._sampled: Counter[str] = Counter()
        self._measured: Counter[str] = Counter()
        self._all = 0
        self._all_measured = 0
        self._alike: dict[tuple[tuple[str, ...], bool], int] = {}
        """Requests that are in no other count yet: most are like many others, and these are counted together."""

    def count(self, segments: tuple[str, ...], *, measured: bool) -> None:
        """Count one sampled request."""
        alike = self._alike
        alike[segments, measured] = alike.get((segments, measured), 0) + 1
        if len(alike) >= ALIKE:
            self._settle()

    def _settle(self) -> None:
        """Count by segment what was counted together."""
        for (segments, measured), count in self._alike.items():
            self._all += count
            self._all_measured += count * measured
            for segment in segments:
                self._sampled[segment] += count
                self._measured[segment] += count * measured
        self._alike.clear()

    @property
    def rate(self) -> float | None:
        """Share of sampled requests that were measured; None without any."""
        self._settle()
        return self._all_measured / self._all if self._all else None

    def rates(self) -> dict[str, float]:
        """By segment, the share of its sampled requests that were measured."""
        self._settle()
        return {segment: self._measured[segment] / sampled for segment, sampled in self._sampled.items()}

    def gaps(self) -> tuple[str, ...]:
        """The segments that are not covered, in words."""
        overall = self.rate
        if not overall:
            return ()
        found = []
        for segment, sampled in self._sampled.items():
            rate = self._measured[segment] / sampled
            if sampled >= ENOUGH and sampled >= SHARE * self._all and rate < LEAST * overall:
                share = sampled / self._all
                found.append(f"{segment}, {share:.1%} of the traffic: {rate:.1%} is measured, of all {overall:.1%}")
        return tuple(found)

    def dump(self) -> dict[str, Any]:
        """As JSON takes it."""
        self._settle()
        return {"sampled": self._sampled, "measured": self._measured, "all": [self._all, self._all_measured]}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Go on from what `dump` told."""
        self._sampled, self._measured = Counter(dumped["sampled"]), Counter(dumped["measured"])
        self._all, self._all_measured = dumped["all"]
