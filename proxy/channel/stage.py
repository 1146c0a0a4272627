"""The candidate's share of sessions, from the control that leads to every gateway: one key of the channel's bucket.

The leader writes it when it changes and again several times in `rollout.silence`, each time over its own last
revision: a control that was replaced is refused. Gateways ask for it several times a second. They do not have the
servers tell them: a watch ends without a word with the server that keeps it, and what it brings late looks new.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import orjson
import structlog
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError

from proxy.channel.link import AGAIN, FAILURES, Link

KEY = "stage"
ASK_EVERY = 0.2
"""Seconds between two times that a gateway asks."""
BLIND = 1.0
"""Seconds without an answer after which what is found may have been written long ago."""

_log = structlog.get_logger(__name__)


class Weight(NamedTuple):
    """The candidate's share of sessions, and for how many seconds; None until it is said otherwise."""

    share: float
    valid: float | None


class Heed:
    """Which of the weights that are found a gateway follows. Pure.

    What holds for some seconds only is followed where it was written since it was last asked for: else control may
    have been silent for longer than that.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._asked = float("-inf")

    def found(self, revision: int, weight: Weight, now: float) -> bool:
        """Whether to follow what is found at `now`, seconds of a monotonic clock."""
        blind, self._asked = now - self._asked > BLIND, now
        news = revision != self._revision
        self._revision = revision
        return news and (not blind or weight.valid is None or weight.share == 0)


async def follow(link: Link, weigh: Callable[[float, float | None], None]) -> None:
    """Have a gateway at the weight that the leader says, for ever."""
    heed = Heed()
    while True:
        if link.up:
            try:
                entry = await link.ask(link.bucket.get(KEY))
                weight, _ = _read(entry.value)
                if heed.found(entry.revision or 0, weight, time.monotonic()):
                    weigh(*weight)
            except KeyNotFoundError:
                pass  # no control has led yet
            except FAILURES:
                await asyncio.sleep(AGAIN)
            except ValueError:
                _log.error("what stands for the stage is none")
        await asyncio.sleep(ASK_EVERY)


class StageWriter:
    """The leader's side, in its `term`. `on_fenced` is called once a control of a later one has written."""

    def __init__(self, link: Link, term: int, on_fenced: Callable[[], None]) -> None:
        self._link = link
        self._term = term
        self._on_fenced = on_fenced
        self._revision = 0
        self._wanted: Weight | None = None
        self._news = asyncio.Event()

    def weigh(self, share: float, valid: float | None) -> None:
        """Have every gateway give the candidate this share of sessions, soon; see `Plane.weigh`."""
        self._wanted = Weight(share, valid)
        self._news.set()

    async def run(self) -> None:
        """Write what is wanted, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._wanted is not None:
                try:
                    await self._write(self._wanted)
                except FAILURES:
                    self._news.set()
                    await asyncio.sleep(AGAIN)

    async def _write(self, weight: Weight) -> None:
        bucket, body = self._link.bucket, orjson.dumps((*weight, self._term))
        try:
            if self._revision:
                self._revision = await self._link.ask(bucket.update(KEY, body, last=self._revision))
            else:
                self._revision = await self._link.ask(bucket.create(KEY, body))
        except KeyWrongLastSequenceError:
            await self._look()

    async def _look(self) -> None:
        """Go on from a write of ours of which no word had come, or a former leader's; not from a later one's."""
        entry = await self._link.ask(self._link.bucket.get(KEY))
        if _is_later(entry.value, entry.revision or 0, self._term):
            self._on_fenced()
            return
        self._revision = entry.revision or 0
        self._news.set()


def _is_later(value: bytes | None, revision: int, term: int) -> bool:
    """Whether what stands at `revision` was written in a later term: terms are revisions of this bucket, too.

    What no control can have written is written over.
    """
    try:
        written = _read(value)[1]
    except ValueError:
        written = revision
    if written >= revision:
        _log.error("what stood for the stage is no control's, and is written over", revision=revision)
        return False
    return written > term


def _read(value: bytes | None) -> tuple[Weight, int]:
    """The weight, and the term in which it was written. Raises ValueError."""
    raw = orjson.loads(value or b"")
    if not isinstance(raw, list) or len(raw) != 3:
        raise ValueError("not a weight")
    share, valid, term = raw
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError("not a share")
    if valid is not None and (not isinstance(valid, int | float) or not 0 < valid <= 86_400):
        raise ValueError("not a time")
    if not isinstance(term, int):
        raise ValueError("not a term")  # noqa: TRY004 - as the others
    return Weight(float(share), None if valid is None else float(valid)), term
