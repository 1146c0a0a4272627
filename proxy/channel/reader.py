"""A stream read from any place on, in order, each message once: all that is kept of the place is its number.

The server's consumer is made for the reading and forgotten with it. Where it is lost, with its server or otherwise,
another begins behind the last message that was taken (https://docs.nats.io/nats-concepts/jetstream/consumers).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import NamedTuple

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from proxy.channel.link import AGAIN, FAILURES, Link

HEARTBEAT = 0.5
"""Seconds in which a server that has nothing to send says so."""
SILENCE = 2.0
"""Seconds without a word after which the consumer is gone."""
FORGET = 30.0
"""Seconds after which a server forgets a consumer that nobody listens to."""
LAST = "Nats-Last-Consumer"
"""The header in which a heartbeat says how many messages were sent."""

_log = structlog.get_logger(__name__)


class Stored(NamedTuple):
    """One message of a stream."""

    number: int
    """Its place in the stream: numbers rise, and none comes twice."""
    subject: str
    body: bytes
    headers: dict[str, str]


class _GapError(Exception):
    """Messages were sent that have not come."""


async def read(link: Link, stream: str, after: int) -> AsyncGenerator[Stored | None, None]:
    """All messages beyond number `after`, for ever, as they come; None now and then, where there is none."""
    while True:
        try:
            after = await _reached(link, stream, after)
            async with contextlib.aclosing(_consumed(link, stream, after + 1)) as messages:
                async for message in messages:
                    if message is not None:
                        after = message.number
                    yield message
        except (*FAILURES, _GapError) as error:
            _log.debug("reading begins anew", stream=stream, behind=after, error=repr(error))
        await asyncio.sleep(AGAIN)


async def _reached(link: Link, stream: str, after: int) -> int:
    """`after`; or 0 where the stream has never come so far, since it was lost and made anew."""
    last = (await link.ask(link.js.stream_info(stream))).state.last_seq
    if last >= after:
        return after
    _log.error("a stream was made anew, and is read from its beginning", stream=stream, last=last, behind=after)
    return 0


async def _consumed(link: Link, stream: str, first: int) -> AsyncGenerator[Stored | None, None]:
    """What one consumer brings. Raises _GapError where something is missing, and FAILURES where it is gone."""
    inbox = link.client.new_inbox()
    subscription = await link.client.subscribe(inbox)
    try:
        config = ConsumerConfig(
            deliver_subject=inbox,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=first,
            ack_policy=AckPolicy.NONE,
            max_deliver=1,
            idle_heartbeat=HEARTBEAT,
            flow_control=True,
            inactive_threshold=FORGET,
            num_replicas=1,
            mem_storage=True,
        )
        await link.ask(link.js.add_consumer(stream, config))
        came = 0
        while True:
            message = await subscription.next_msg(SILENCE)
            if _is_status(message):
                await _heed(link, message, came)
                yield None
                continue
            came += 1
            sequence = message.metadata.sequence
            if sequence.consumer != came:
                raise _GapError
            yield Stored(sequence.stream, message.subject, message.data, dict(message.headers or {}))
    finally:
        await _end(subscription)


def _is_status(message: Msg) -> bool:
    return not message.data and message.headers is not None and message.headers.get("Status") == "100"


async def _heed(link: Link, message: Msg, came: int) -> None:
    """Answer a server that waits for us to keep up, and see whether all has come that it has sent."""
    headers = message.headers or {}
    for reply in (message.reply, headers.get("Nats-Consumer-Stalled")):
        if reply:
            await link.client.publish(reply)
    if headers.get(LAST, str(came)) != str(came):
        raise _GapError


async def _end(subscription: Subscription) -> None:
    with contextlib.suppress(*FAILURES):
        await subscription.unsubscribe()
