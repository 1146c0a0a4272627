"""Which pairs are traced, and the traces that are under way in one gateway process.

Only mirrored pairs are, so `mirror` bounds them as it does the pairs. Where the client's `traceparent` says whether
its trace is recorded, that holds, else a draw by `tracing.share`; beyond `tracing.per_second` neither does, since
any client can say that its trace is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from random import random
from time import monotonic
from typing import TYPE_CHECKING, Any

from proxy.config import Config
from proxy.gateway.arms.budget import TokenBudget
from proxy.report import Report
from proxy.tasks import spawn
from proxy.telemetry import Telemetry
from proxy.tracing import context
from proxy.tracing.exporter import Exporter
from proxy.tracing.trace import Asked, Trace

if TYPE_CHECKING:
    from proxy.gateway.request import Request
    from proxy.gateway.routing import Route

OPEN = 4_096
"""Most traces under way; with a further one the oldest is given up, and counted."""
_NUMBERS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
}
_WHOLE = frozenset({"gen_ai.request.max_tokens", "gen_ai.request.seed", "gen_ai.request.choice.count"})


class Tracer:
    """Made where `tracing.endpoint` is set; `start` and `stop` it. Called on the event loop, and never waits."""

    def __init__(self, config: Config, telemetry: Telemetry, process: str) -> None:
        settings, workers = config.tracing, config.gateway.workers
        self._process = process
        self._share = settings.share
        self._rate = TokenBudget(settings.per_second / workers, monotonic())
        self._inclusion = config.mirror.sample
        self._limited = telemetry.traces_limited.labels()
        self._open: dict[int, Trace] = {}
        self._exporter = Exporter(settings, telemetry, process)
        self._exporting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to export."""
        self._exporting = spawn(self._exporter.run(), name="traces")

    async def stop(self) -> None:
        """Export what is done, within a bound. Safe to call twice, and without `start`."""
        exporting, self._exporting = self._exporting, None
        if exporting is not None:
            await self._exporter.stop(exporting)

    def begin(
        self, request: Request, route: Route, primary: str, arrival: int, segments: tuple[str, ...]
    ) -> Trace | None:
        """The trace of a pair whose request has just arrived; None where it gets none.

        A request that is traced loses the client's own place in the trace: each leg gets one of its own.
        """
        parent = context.read(request.lines)
        if not (parent.sampled if parent is not None else random() < self._share):  # noqa: S311 - a draw, no secret
            return None
        now = monotonic()
        if not self._rate.take(1, now):
            self._limited.inc()
            return None
        if len(self._open) >= OPEN:
            self._limited.inc()
            del self._open[next(iter(self._open))]
        request.lines = context.without(request.lines, state=parent is not None and bool(parent.state))
        request.forward = b"\r\n".join(request.lines)
        asked = Asked(
            pair_id=f"{self._process}-{arrival}",
            arrival=arrival,
            now=now,
            method=request.method.decode(),
            path=request.path.decode(),
            model=route.model,
            primary=primary,
            parameters=tuple(parameters(route.body)),
            inclusion=self._inclusion,
            segments=segments,
        )
        self._open[arrival] = trace = Trace(asked, parent, self._done)
        return trace

    def of(self, arrival: int) -> Trace | None:
        """The trace under way of the pair that arrived then."""
        return self._open.get(arrival)

    def told(self, report: Report) -> None:
        """The scorer told of a pair."""
        trace = self._open.get(report.arrival)
        if trace is not None:
            trace.told(report, monotonic())

    def forget(self, trace: Trace) -> None:
        """It comes to nothing: no leg was sent."""
        self._open.pop(trace.asked.arrival, None)

    def _done(self, trace: Trace) -> None:
        self.forget(trace)
        self._exporter.put(trace)


def parameters(body: Mapping[str, Any]) -> Iterator[tuple[str, bool | int | float]]:
    """What a request asks of the model, numbers alone."""
    for key, name in _NUMBERS.items():
        number = body.get(key)
        if type(number) is int and name in _WHOLE and abs(number) < 2**63 and (key, number) != ("n", 1):
            yield name, number
        elif isinstance(number, int | float) and type(number) is not bool and name not in _WHOLE:
            yield name, float(number)
    if body.get("stream") is True:
        yield "gen_ai.request.stream", True
