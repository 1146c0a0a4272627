"""The channel between machines: reports on a JetStream stream, stored before they are forgotten here.

Messages are published beside the gateway's work and never waited for. Several are under way at once. One of which
no word comes back is sent again under the same id, by which the servers know it for `names.DUPLICATES` seconds; it
is given up before that (https://docs.nats.io/nats-concepts/jetstream/streams, "message deduplication").
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import structlog
from nats.js.errors import APIError

from proxy.channel import counts
from proxy.channel.cases import CaseLane
from proxy.channel.link import AGAIN, FAILURES, Link
from proxy.channel.names import DUPLICATES
from proxy.channel.window import BATCH_REPORTS, Parcel, Window
from proxy.offer import Offer
from proxy.report import Message
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

BEAT = 0.1
"""Seconds in which reports are gathered into one message."""
COUNT_EVERY = 1.0
"""Seconds between two snapshots of what was counted: what a gateway that dies takes with it."""
GIVE_UP = DUPLICATES / 2
"""Seconds after its first sending in which a message must be known to be stored."""
FULL = 10_077
"""The server's error for a stream that has reached its bounds."""
MESSAGE_ID = "Nats-Msg-Id"

_log = structlog.get_logger(__name__)


class NatsChannel:
    """`count` says what the gateway has counted; its argument, whether nothing more will come.

    See `Channel`. Of servers that are away a gateway notices memory alone, which `window` bounds.
    """

    def __init__(
        self, link: Link, telemetry: Telemetry, window: int, count: Callable[[bool], counts.Counts]
    ) -> None:
        self.sender = os.urandom(6).hex()
        """This incarnation of the gateway, to its messages' ids."""
        self._link = link
        self._window = Window(telemetry, window)
        self._count = count
        self._cases = CaseLane(link, telemetry)
        self._counted = 0
        self.ended = False
        """Whether it is known to be stored that nothing more will come."""
        self._due = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """See `Channel.start`."""
        self._tasks = [spawn(self._publish(), name="reports"), spawn(self._tell_counts(), name="counts")]

    def publish(self, report: Message) -> bool:
        """See `Channel.publish`."""
        taken = self._window.offer(report)
        if self._window.waiting >= BATCH_REPORTS:
            self._due.set()
        return taken

    def offer(self, offer: Offer) -> bool:
        """See `Channel.offer`, and `proxy.channel.cases`."""
        return self._cases.offer(offer)

    async def stop(self, patience: float = 5.0) -> None:
        """Have all that waits stored, and the last counts, where that takes no longer than `patience` seconds."""
        if not self._tasks:
            return
        self._stopping = True
        self._due.set()
        tasks, self._tasks = self._tasks, []
        try:
            async with asyncio.timeout(patience):
                while not self._window.empty or not tasks[0].done():  # noqa: ASYNC110 - the servers' doing
                    await asyncio.sleep(BEAT / 4)
                while not await self._tell(ended=True):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(AGAIN)
        except TimeoutError:
            _log.warning("reports left unsent, since NATS is not there")
        await cancel(*tasks)

    async def _publish(self) -> None:
        """Send what there is, several times a second."""
        while not (self._stopping and not self._window.waiting):
            try:
                async with asyncio.timeout(BEAT):  # not wait_for: Python 3.11's may swallow a cancellation
                    await self._due.wait()
            except TimeoutError:
                pass
            else:
                if not self._stopping:
                    self._due.clear()
            while self._link.up and (parcel := self._window.take()) is not None:
                _ = spawn(self._send(parcel), name="report")
            await asyncio.sleep(BEAT / 10)
        while (parcel := self._window.take()) is not None:
            _ = spawn(self._send(parcel), name="report")  # the last marks

    async def _send(self, parcel: Parcel) -> None:
        """Have one message stored, or give it up."""
        first = time.monotonic()
        while time.monotonic() - first < GIVE_UP:
            if self._link.up:
                try:
                    await self._put(self._link.names.pairs, parcel.body, f"{self.sender}-{parcel.number}")
                except APIError as error:
                    if error.err_code == FULL:
                        break
                except FAILURES:
                    pass
                else:
                    self._window.stored(parcel)
                    return
            await asyncio.sleep(AGAIN)
        self._window.lost(parcel)
        _log.warning("reports dropped on their way", reports=sum(not each.further for each in parcel.reports))

    async def _tell_counts(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY)
            if self._link.up:
                await self._tell(ended=False)

    async def tell_for(self, dead: counts.Counts) -> bool:
        """Have stored what a gateway that was killed had counted; whether it is."""
        return await self._store(dead, f"{dead.incarnation}-left")

    async def _tell(self, *, ended: bool) -> bool:
        """Have the counts of now stored; whether they are. The next snapshot says more."""
        self._counted += 1
        stored = await self._store(self._count(ended), f"{self.sender}-c{self._counted}")
        self.ended = stored and ended
        return stored

    async def _store(self, told: counts.Counts, id_: str) -> bool:
        try:
            await self._put(self._link.names.counts, counts.dumps(told), id_)
        except FAILURES:
            return False
        return True

    async def _put(self, subject: str, body: bytes, id_: str) -> None:
        await self._link.ask(self._link.js.publish(subject, body, headers={MESSAGE_ID: id_}))
