"""Both channels behind one door, with a reader at the far end of each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from proxy.channel import Channel
from proxy.channel.counts import Counts
from proxy.channel.link import AGAIN, FAILURES, Link
from proxy.channel.memory import MemoryChannel
from proxy.channel.nats import NatsChannel
from proxy.channel.reader import Stored, read
from proxy.channel.window import read as messages_of
from proxy.config_channel import Nats
from proxy.report import Message, Report
from proxy.telemetry import Telemetry


def report(pair_id: str, **changes: object) -> Report:
    return Report(pair_id, "session", 1.0, "baseline", "paired", {}, {}, ())._replace(**changes)  # type: ignore[arg-type]


def no_counts(ended: bool = False) -> Counts:  # noqa: FBT001, FBT002 - as the channel calls it
    return Counts("g", "g.1", 1, 1, (), {}, ended)


def dropped(telemetry: Telemetry) -> float:
    return telemetry.registry.get_sample_value("slipgauge_queue_dropped_total", {"reason": "channel"}) or 0.0


class Stand:
    """A channel, not yet started, and what has come out at its far end."""

    def __init__(
        self, channel: Channel, telemetry: Telemetry, seen: Callable[[], Awaitable[list[Message]]]
    ) -> None:
        self.channel = channel
        self.telemetry = telemetry
        self._seen = seen

    async def seen(self) -> list[Message]:
        """All that came out so far."""
        return await self._seen()


def memory(size: int) -> Stand:
    telemetry, seen = Telemetry(), list[Message]()

    async def taken() -> list[Message]:
        return seen

    return Stand(MemoryChannel(seen.append, telemetry, size), telemetry, taken)


def stored(link: Link, size: int) -> Stand:
    telemetry = Telemetry()

    async def taken() -> list[Message]:
        return [each for _, each in await everything(link)]

    return Stand(NatsChannel(link, telemetry, size, no_counts), telemetry, taken)


async def stream(link: Link) -> AsyncIterator[Stored]:
    """Every message of reports and counts that is on the stream by now."""
    await link.ready.wait()
    while True:  # servers that lost one of theirs may answer late
        with contextlib.suppress(*FAILURES):
            last = (await link.ask(link.js.stream_info(link.names.reports))).state.last_seq
            break
        await asyncio.sleep(AGAIN)
    reading = read(link, link.names.reports, 0)
    number = 0
    while number < last:
        message = await anext(reading)
        if message is not None:
            number = message.number
            yield message
    await reading.aclose()


async def everything(link: Link) -> list[tuple[int, Message]]:
    """Every report and mark on the stream, with the number of the message that holds it."""
    found = list[tuple[int, Message]]()
    async for message in stream(link):
        if message.subject == link.names.pairs:
            found += ((message.number, each) for each in messages_of(message.body))
    return found


def settings(urls: tuple[str, ...], **changes: object) -> Nats:
    return Nats(servers=urls).model_copy(update=changes)
