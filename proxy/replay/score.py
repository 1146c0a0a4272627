"""Runs the analyzers over pairs, in the same processes and with the same tables as a deployment does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.metadata import version
from itertools import count
from typing import Any

from analyzers.pair import CapturedPair
from proxy.config import Config
from proxy.control.control import Control
from proxy.gateway.ledger import HAS_PAIR, Ledger, State
from proxy.gateway.pairing import rejected, served
from proxy.report import ENDED, Mark
from proxy.telemetry import Telemetry
from proxy.workers.pool import Asker, WorkerPool

PAUSE = 0.01
"""Seconds between two looks for room before the analyzers."""


class Scoring:
    """One replay: what was scored, and what may be said of it."""

    def __init__(self, config: Config, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.ledger = Ledger(telemetry)
        self.control = Control(config, telemetry, self.ledger, version("slipgauge"))
        shares = {name: probes.share for name, probes in config.probes.items()}
        self._arrivals = count(time.time_ns())  # in the order of the recording
        self._pool = WorkerPool(config.analysis, telemetry, self.control.receive, shares)

    async def run(
        self, pairs: Iterable[CapturedPair], asker: Asker | None, advanced: Callable[[int], None]
    ) -> None:
        """Score every pair, and call `advanced` with how many have been handed over."""
        await self._pool.start(asker)
        try:
            for number, pair in enumerate(pairs, 1):
                await self._take(pair)
                advanced(number)
            await self._pool.drain()
            self.control.receive(Mark("replay", ENDED))
        finally:
            await self._pool.stop()

    async def _take(self, pair: CapturedPair) -> None:
        state = state_of(pair)
        self.ledger.open(pair.primary)
        self.ledger.close(pair.primary, state)
        if state in HAS_PAIR:
            while not self._pool.has_room() and self._pool.statistics()["open"]:  # noqa: ASYNC110 - the pool tells no event
                await asyncio.sleep(PAUSE)
            self._pool.submit(replace(pair, arrival=next(self._arrivals)), state.value)

    def result(self) -> dict[str, Any]:
        """The object of `replay --json`."""
        verdict, ledger = self.control.verdict(), self.control.ledger()
        return {
            **{name: verdict[name] for name in ("verdict", "guardrails")},
            "findings": self.control.findings(),
            "figures": self.control.figures(),
            "analyses": {
                analyzer: {str(state): count for state, count in states.items()}
                for analyzer, states in self.control.tables.analyses.items()
            },
            "ledger": {**{state: n for state, n in ledger["states"].items() if n}, "total": ledger["total"]},
        }


def state_of(pair: CapturedPair) -> State:
    """The ledger's state of a recorded pair, as the gateway would have decided it."""
    if rejected(pair.baseline.status):
        return State.DROPPED_REJECTED
    baseline, candidate = (served(each.end, each.status) for each in (pair.baseline, pair.candidate))
    if baseline and candidate:
        return State.PAIRED
    if not baseline and not candidate:
        return State.UNSERVED_BOTH
    return State.UNSERVED_CANDIDATE if baseline else State.UNSERVED_BASELINE
