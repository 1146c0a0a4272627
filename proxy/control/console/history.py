"""How each guardrail's slip has moved, as far back as this process has run, in bounded memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from verdict.judge import Judgement

MOST = 240
"""Most samples that are kept."""
PERIOD = 1.0
"""Seconds between two samples at first; twice as many whenever there are MOST."""


class Slip(NamedTuple):
    """One guardrail at one moment, as shares of sessions."""

    slip: float
    lower: float
    upper: float


class Sample(NamedTuple):
    """All guardrails of which something was known."""

    at: float
    """Seconds since 1970."""
    slips: dict[str, Slip]


class History:
    """About evenly spaced samples of all the time since it began: when it is full, every other one goes."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.period = PERIOD
        self._evidence = 0

    def take(self, judgements: Iterable[Judgement], at: float, evidence: int = 0) -> None:
        """Note what is known now, where it is time for it. With new evidence, by its number, it begins anew."""
        if evidence != self._evidence:
            self.samples, self.period, self._evidence = [], PERIOD, evidence
        if self.samples and at - self.samples[-1].at < 0.9 * self.period:  # timers are not exact
            return
        self.samples.append(Sample(at, dict(_known(judgements))))
        if len(self.samples) > MOST:
            self.samples, self.period = self.samples[::2], 2 * self.period

    def of(self, guardrail: str) -> list[tuple[float, Slip]]:
        """One guardrail's samples."""
        return [(each.at, each.slips[guardrail]) for each in self.samples if guardrail in each.slips]


def _known(judgements: Iterable[Judgement]) -> Iterable[tuple[str, Slip]]:
    for each in judgements:
        if each.slip is not None and each.lower is not None and each.upper is not None:
            yield each.name, Slip(each.slip, each.lower, each.upper)


async def keep(history: History, look: Callable[[], tuple[Iterable[Judgement], int]]) -> None:
    """Take samples until cancelled, of the judgements and the number of their evidence."""
    while True:
        judgements, evidence = look()
        history.take(judgements, time.time(), evidence)
        await asyncio.sleep(history.period)
