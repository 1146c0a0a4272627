"""Cases between machines: beside the stream of reports, at most once, and the pool's floors back.

A case is no report: nothing waits for it, nothing is sent again, and where no control leads it is lost. So it goes
by core NATS, which stores nothing (https://docs.nats.io/nats-concepts/core-nats): redacted texts rest in the pool's
file alone. Floors are said every few seconds, for gateways that have come since.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import orjson
import structlog

from proxy.channel.link import FAILURES, Link
from proxy.offer import Offer, dumps, loads
from proxy.report import ReportError
from proxy.tasks import spawn
from proxy.telemetry import Telemetry

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

SAY_EVERY = 2.0
"""Seconds between two times that floors are said."""
MOST_UNSENT = 8
"""Cases on their way to the servers; more are dropped and counted."""
MOST_PENDING = 32 * 1024 * 1024
"""Bytes that wait in a control for it to take them."""
MOST_STRATA = 10_000

_log = structlog.get_logger(__name__)


class CaseLane:
    """The gateway's side."""

    def __init__(self, link: Link, telemetry: Telemetry) -> None:
        self._link = link
        self._dropped = telemetry.case_offers.labels("dropped_channel")
        self._unsent = 0

    def offer(self, offer: Offer) -> bool:
        """See `Channel.offer`."""
        body = dumps(offer)
        if not self._link.up or self._unsent >= MOST_UNSENT or len(body) > self._link.client.max_payload:
            self._dropped.inc()
            return False
        self._unsent += 1
        _ = spawn(self._send(body), name="case")
        return True

    async def _send(self, body: bytes) -> None:
        try:
            await self._link.client.publish(self._link.names.cases, body)
        except FAILURES:
            self._dropped.inc()
        finally:
            self._unsent -= 1


async def follow_floors(link: Link, admit: Callable[[Mapping[str, float]], None]) -> None:
    """Have a gateway offer the cases whose ranks exceed what control says, until cancelled."""

    async def said(message: Msg) -> None:
        try:
            admit(_floors(message.data))
        except ValueError:
            _log.error("what was said of floors is none")

    await link.ready.wait()
    await _until_cancelled(await link.client.subscribe(link.names.floors, cb=said))


async def take(link: Link, keep: Callable[[Offer], object]) -> None:
    """Have the control that leads keep what gateways offer, until cancelled."""

    async def offered(message: Msg) -> None:
        try:
            keep(loads(message.data))
        except ReportError as error:
            _log.error("a case not taken", error=str(error))

    await link.ready.wait()
    subscribed = link.client.subscribe(link.names.cases, cb=offered, pending_bytes_limit=MOST_PENDING)
    await _until_cancelled(await subscribed)


async def say_floors(link: Link, floors: Callable[[], Mapping[str, float]]) -> None:
    """Say what ranks must exceed, again and again, until cancelled."""
    while True:
        if link.up:
            with contextlib.suppress(*FAILURES):
                await link.client.publish(link.names.floors, orjson.dumps(dict(floors())))
        await asyncio.sleep(SAY_EVERY)


async def _until_cancelled(subscription: Subscription) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        with contextlib.suppress(*FAILURES):
            await subscription.unsubscribe()


def _floors(body: bytes) -> dict[str, float]:
    """Raises ValueError."""
    told = orjson.loads(body)
    if not isinstance(told, dict) or len(told) > MOST_STRATA:
        raise ValueError("no floors")
    if not all(isinstance(each, float) and 0 <= each < math.inf for each in told.values()):
        raise ValueError("no floors")
    return told
