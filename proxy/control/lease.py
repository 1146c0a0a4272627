"""Who leads: one key of the channel's bucket, written again and again by whoever does.

A control that does not lead looks at the key. Where it has not changed for as long as a lease lasts, by the
looker's own clock, the looker writes its own name over that very revision; of two that try one is refused. The
leader knows, by its own clock too, from when on another may have done so, and leads no longer than that. No two
clocks are compared. The revision at which a control began to lead is its term: it only rises.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import orjson
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError

from proxy.channel.link import FAILURES, Link

LASTS = 3.0
"""Seconds that a lease lasts."""
RENEW = 0.75
"""Seconds between two renewals, and between two looks of those who do not lead."""
KEY = "leader"


class Seen(NamedTuple):
    """The key, as it was found."""

    revision: int
    name: str
    since: float
    """When this revision was first seen."""


class Candidacy:
    """Whether the lease may be taken over, by what was seen. Pure."""

    def __init__(self) -> None:
        self.seen: Seen | None = None

    def free(self, revision: int, name: str, now: float) -> bool:
        """Whether a lease found at `revision` has run out at `now`, seconds of a monotonic clock."""
        if self.seen is None or self.seen.revision != revision:
            self.seen = Seen(revision, name, now)
        return now - self.seen.since >= LASTS


class Lease:
    """`name` is what others are told of who leads."""

    def __init__(self, link: Link, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.term = 0
        """The revision at which this control began to lead."""
        self._link = link
        self._ours = orjson.dumps((name, os.urandom(6).hex()))
        self._clock = clock
        self._candidacy = Candidacy()
        self._revision = 0
        self._until = float("-inf")

    @property
    def held(self) -> bool:
        """Whether nobody else can lead."""
        return self._clock() < self._until

    @property
    def leader(self) -> str | None:
        """Who led last, as far as is known here."""
        return self._candidacy.seen.name if self._candidacy.seen is not None else None

    async def win(self) -> None:
        """Wait until this control leads."""
        while not await self._try():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(RENEW)

    async def keep(self) -> None:
        """Lead on, until it is not sure any more that nobody else does."""
        while self.held:
            await asyncio.sleep(min(RENEW, max(0.0, self._until - self._clock())))
            began = self._clock()
            try:
                async with asyncio.timeout(max(0.0, self._until - began)):
                    await self._write(self._revision, began)
            except KeyWrongLastSequenceError:
                if not await self._is_ours():
                    break
            except (*FAILURES, TimeoutError):
                continue
        self._until = float("-inf")

    async def leave(self) -> None:
        """Let another lead at once."""
        if self.held:
            self._until = float("-inf")
            with contextlib.suppress(*FAILURES):
                await self._link.ask(self._link.bucket.delete(KEY, last=self._revision))

    async def _try(self) -> bool:
        """Look at the key and take it where that may be done; whether this control leads now."""
        if not self._link.up:
            return False
        began = self._clock()
        try:
            try:
                entry = await self._link.ask(self._link.bucket.get(KEY))
            except KeyNotFoundError:
                await self._create(began)
            else:
                if not self._candidacy.free(entry.revision or 0, _name(entry.value), self._clock()):
                    return False
                await self._write(entry.revision or 0, began)
        except FAILURES:
            return False
        self.term = self._revision
        return True

    async def _create(self, began: float) -> None:
        self._revision = await self._link.ask(self._link.bucket.create(KEY, self._ours))
        self._until = began + LASTS

    async def _write(self, revision: int, began: float) -> None:
        self._revision = await self._link.ask(self._link.bucket.update(KEY, self._ours, last=revision))
        self._until = began + LASTS

    async def _is_ours(self) -> bool:
        """Whether what is there is this control's own, of which no word had come back."""
        try:
            entry = await self._link.ask(self._link.bucket.get(KEY))
        except FAILURES:
            return False
        if entry.value != self._ours:
            return False
        self._revision = entry.revision or 0
        return True


def _name(value: bytes | None) -> str:
    """Who leads. What no control has written holds the lease no longer than any other."""
    try:
        name, _ = orjson.loads(value or b"")
    except (TypeError, ValueError):
        return "what is no control"
    return str(name)
