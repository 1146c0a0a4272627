"""The channel inside one process: a bounded queue and a task that feeds its consumer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from proxy.report import Report
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

_log = structlog.get_logger(__name__)


class MemoryChannel:
    """Reports in order, at most once. `consume` runs on the event loop, off the publisher's back."""

    def __init__(self, consume: Callable[[Report], None], telemetry: Telemetry, size: int = 10_000) -> None:
        self._consume = consume
        self._telemetry = telemetry
        self._queue: asyncio.Queue[Report] = asyncio.Queue(size)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to consume."""
        self._task = spawn(self._run(), name="memory-channel")

    async def stop(self) -> None:
        """Consume what has been published, then end."""
        if self._task is not None:
            await self._queue.join()
            await cancel(self._task)
            self._task = None

    def publish(self, report: Report) -> bool:
        """See `Channel.publish`; drops are counted in queue_dropped_total{reason="channel"}."""
        try:
            self._queue.put_nowait(report)
        except asyncio.QueueFull:
            self._telemetry.queue_dropped.labels("channel").inc()
            return False
        return True

    async def _run(self) -> None:
        while True:
            report = await self._queue.get()
            try:
                self._consume(report)
            except Exception as error:
                _log.error("report not consumed", error=type(error).__name__)
            finally:
                self._queue.task_done()
