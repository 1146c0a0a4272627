"""A running pool and what it has reported."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from analyzers.pair import Capture, CapturedPair, End
from proxy import config
from proxy.config_cases import Cases
from proxy.offer import Offer
from proxy.report import Report
from proxy.telemetry import Telemetry
from proxy.workers.pool import Asker, WorkerPool


def captured(pair_id: str = "p", text: str = "hello", **request: object) -> CapturedPair:
    body = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    answer = Capture(End.COMPLETE, 200, "application/json", "", json.dumps(body).encode())
    asked = {"messages": [{"role": "user", "content": "hi"}], **request}
    return CapturedPair(
        pair_id,
        f"session-{pair_id}",
        "baseline",
        "/v1/chat/completions",
        json.dumps(asked).encode(),
        answer,
        answer,
    )


class Scored:
    """A running pool and what it has reported."""

    def __init__(
        self, shares: Mapping[str, float] = MappingProxyType({}), keeping: Cases | None = None, **analysis: object
    ) -> None:
        # No sound analyzer overruns this, however busy the machine; a test in which one is to overrun has its own.
        settings = {"enabled": ("served", "faulty"), "budget": 20.0, "memory_bytes": 512 * 1024 * 1024}
        self.telemetry = Telemetry()
        self.reports: list[Report] = []
        self.offers: list[Offer] = []
        self.pool = WorkerPool(
            config.Analysis.model_validate({**settings, **analysis}),
            self.telemetry,
            self.reports.append,
            shares,
            keeping=keeping,
            on_offer=self.offers.append,
        )

    def count(self, name: str, **labels: str) -> float:
        return self.telemetry.registry.get_sample_value(f"slipgauge_{name}", labels) or 0.0

    async def until(self, name: str, **labels: str) -> None:
        """Wait until something has been counted; the test's own timeout ends it."""
        while not self.count(name, **labels):  # noqa: ASYNC110 - metrics tell nobody when they change
            await asyncio.sleep(0.001)


@asynccontextmanager
async def running(
    asker: Asker | None = None,
    shares: Mapping[str, float] = MappingProxyType({}),
    keeping: Cases | None = None,
    **analysis: object,
) -> AsyncIterator[Scored]:
    scored = Scored(shares, keeping, **analysis)
    await scored.pool.start(asker)
    try:
        yield scored
    finally:
        await scored.pool.stop()
