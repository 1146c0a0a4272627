"""A rollback that the journal could not take: one key of the channel's bucket.

Any control that was told to roll back and could not write it puts it here, whether it still leads or not. Whoever
leads looks here before the gateways follow its stage, and every second. What stands here is never taken away, since
it stays true: a revision that was rolled back remains so, and of any other it says nothing.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, NamedTuple

import orjson
import structlog
from nats.js.errors import KeyNotFoundError

from proxy.channel.link import AGAIN, FAILURES, Link
from verdict.rollout import Change

KEY = "rollback"
PATIENCE = 1.0
"""Seconds that whoever asked for a rollback waits for it to stand here."""
MOST = 1_000
"""Most characters of a revision or a reason."""
_WHO = re.compile(r"[\w-]{1,40}", re.ASCII)

_log = structlog.get_logger(__name__)


class Wanted(NamedTuple):
    """A rollback that somebody asked for."""

    revision: str
    by: str
    reason: str


class RollbackKey:
    """One control's side: what it was told and could not write. `run` goes on for as long as its process lives."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._wanted = Wanted("", "", "")
        self._news = asyncio.Event()
        self._stands = asyncio.Event()

    async def put(self, change: Change, revision: str) -> bool:
        """Have a rollback stand there; whether it does already. It will once that can be."""
        self._wanted = Wanted(revision, change.by, change.reason)
        self._stands.clear()
        self._news.set()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._stands.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Write what is wanted, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._link.ask(self._link.bucket.put(KEY, orjson.dumps(tuple(self._wanted))))
            except FAILURES:
                self._news.set()
                await asyncio.sleep(AGAIN)
            else:
                self._stands.set()


async def wanted(link: Link) -> Wanted | None:
    """What stands there. Raises FAILURES."""
    try:
        entry = await link.ask(link.bucket.get(KEY))
    except KeyNotFoundError:
        return None
    try:
        return _read(orjson.loads(entry.value or b""))
    except ValueError:
        _log.error("what stands for a rollback is none")
        return None


def _read(raw: Any) -> Wanted:
    """Raises ValueError."""
    if not isinstance(raw, list) or len(raw) != 3 or not all(isinstance(each, str) for each in raw):
        raise ValueError("not a rollback")
    found = Wanted(*raw)
    if not _WHO.fullmatch(found.by) or not found.reason.isprintable() or max(map(len, raw)) > MOST:
        raise ValueError("not a rollback")
    return found
