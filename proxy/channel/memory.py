"""The channel inside one process: a bounded queue that its consumer takes in slices, off the publisher's back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from proxy.channel.admission import Admission
from proxy.offer import Offer
from proxy.report import Message
from proxy.telemetry import Telemetry

SLICE = 64
"""Most reports consumed in one go, so that the event loop is held for less than a millisecond."""

_log = structlog.get_logger(__name__)


class MemoryChannel:
    """Reports in order, at most once; see `Admission` for what is dropped where it is full."""

    def __init__(
        self,
        consume: Callable[[Message], None],
        telemetry: Telemetry,
        size: int = 10_000,
        keep: Callable[[Offer], bool] = lambda _: False,
    ) -> None:
        self._consume = consume
        self._keep = keep
        self._admission = Admission(telemetry)
        self._size = size
        self._reports: deque[Message] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False

    async def start(self) -> None:
        """Begin to consume."""
        self._loop = asyncio.get_running_loop()
        self._schedule()

    async def stop(self) -> None:
        """Consume what has been published, then end."""
        self._loop = None
        self._take(len(self._reports))

    def publish(self, report: Message) -> bool:
        """See `Channel.publish`."""
        if not self._admission.admits(report, full=len(self._reports) >= self._size):
            return False
        self._reports.append(report)
        if not self._scheduled:
            self._schedule()
        return True

    def offer(self, offer: Offer) -> bool:
        """See `Channel.offer`; they wait where `keep` has them wait, which counts what it drops."""
        return self._keep(offer)

    def _schedule(self) -> None:
        if self._loop is not None and self._reports:
            self._scheduled = True
            self._loop.call_soon(self._slice)

    def _slice(self) -> None:
        self._scheduled = False
        self._take(SLICE)
        self._schedule()

    def _take(self, most: int) -> None:
        for _ in range(min(most, len(self._reports))):
            try:
                self._consume(self._reports.popleft())
            except Exception as error:
                _log.error("report not consumed", error=type(error).__name__)
