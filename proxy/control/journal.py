"""The store where the roles are apart: a journal on the channel's servers, and its sum in memory.

What changes together is one record, written under the condition that nothing was written since this control's last
(the header `Nats-Expected-Last-Sequence`, https://docs.nats.io/nats-concepts/jetstream/headers). So a control that
was replaced writes nothing more, whatever it still believes, and whoever replaces it reads all that the former one
made durable. A bucket would keep keys apart that must change together.

A record larger than one message is several, and counts once the last of them is there. Now and then a record holds
the sum of all before it, which are then removed.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import zlib
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import orjson
import structlog
from nats.js.errors import APIError, NotFoundError

from proxy.channel.link import AGAIN, FAILURES, Link
from proxy.channel.reader import Stored, read
from proxy.control.sqlite_store import SqliteStore
from proxy.control.store import Batch, Entry, Logged, StoreError

PIECE = 512 * 1024
"""Most bytes of one message."""
SUM_AFTER = 16 * 1024 * 1024
"""Bytes of records after which one with the sum of all is written."""
WRONG_LAST = 10_071
"""The server's error where something was written meanwhile."""
EXPECTED = "Nats-Expected-Last-Sequence"
RECORD = "Slipgauge-Record"
"""The header with a record's name, this piece's number and how many there are."""

_log = structlog.get_logger(__name__)


class FencedError(StoreError):
    """Another control has written: this one does not lead any more."""


class _Piece(NamedTuple):
    record: str
    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.record} {self.number} {self.of}"

    @classmethod
    def read(cls, text: str) -> _Piece:
        """Raises ValueError."""
        record, number, of = text.split(" ")
        return cls(record, int(number), int(of))


class Journal:
    """A `Store`. Use `open`; `abandon` has a write that cannot be made fail, where it would go on trying.

    `on_fenced` is called, on the event loop, once another control has written.
    """

    def __init__(self, link: Link, on_fenced: Callable[[], None]) -> None:
        self._link = link
        self._on_fenced = on_fenced
        self._loop = asyncio.get_running_loop()
        self._sum = SqliteStore(None)
        self._last = 0
        """The number of the last message that is known to be there."""
        self._bytes = 0
        """Of records since the last sum."""
        self._whole = 0
        """Bytes of the last sum."""
        self._records = (f"{os.urandom(6).hex()}-{number}" for number in itertools.count(1))
        self._abandoned = False

    @classmethod
    async def open(cls, link: Link, on_fenced: Callable[[], None]) -> Journal:
        """Take the journal over: whoever had it can write no more, and all that it wrote is known here."""
        journal = cls(link, on_fenced)
        while True:
            info = await link.ask(link.js.stream_info(link.names.journal))
            journal._last = info.state.last_seq
            try:
                await journal._append({"batch": _plain(Batch())})
            except FencedError:
                continue  # the former one was quicker, this once
            break
        await journal._read()
        return journal

    # the store

    def state(self) -> dict[str, bytes]:
        """See `Store.state`."""
        return self._sum.state()

    def seen(self) -> dict[str, bytes]:
        """See `Store.seen`."""
        return self._sum.seen()

    def commit(self, batch: Batch) -> None:
        """See `Store.commit`. Goes on trying while no server answers."""
        self._wait(self._append({"batch": _plain(batch)}))
        self._sum.commit(batch)
        if self._bytes > max(SUM_AFTER, 4 * self._whole):
            self._wait(self._sum_up(_plain(_all(self._sum))))

    def audit(self, *, after: int = 0, limit: int = 100) -> list[Logged]:
        """See `Store.audit`."""
        return self._sum.audit(after=after, limit=limit)

    def latest(self, *, before: int | None = None, limit: int = 100) -> list[Logged]:
        """See `Store.latest`."""
        return self._sum.latest(before=before, limit=limit)

    def close(self) -> None:
        """See `Store.close`."""
        self._sum.close()

    def abandon(self) -> None:
        """Try no more to write."""
        self._abandoned = True

    def _wait(self, writing: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(writing, self._loop).result()

    # writing

    async def _sum_up(self, whole: dict[str, Any]) -> None:
        before, self._bytes = self._last, 0
        await self._append({"batch": whole, "whole": True})
        self._whole, self._bytes = self._bytes, 0
        try:
            await self._link.ask(self._link.js.purge_stream(self._link.names.journal, seq=before + 1))
        except FAILURES:
            return  # the next sum removes it

    async def _append(self, record: dict[str, Any]) -> None:
        """Write one record, or raise FencedError, or StoreError once it was abandoned."""
        body = zlib.compress(orjson.dumps(record), 1)
        pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
        name = next(self._records)
        for number, piece in enumerate(pieces, 1):
            await self._put(_Piece(name, number, len(pieces)), piece)
        self._bytes += len(body)

    async def _put(self, about: _Piece, body: bytes) -> None:
        link = self._link
        while True:
            headers = {EXPECTED: str(self._last), RECORD: str(about)}
            try:
                stored = await link.ask(link.js.publish(link.names.entries, body, headers=headers))
            except APIError as error:
                if error.err_code == WRONG_LAST and await self._is_last(about):
                    self._last += 1
                    return
                if error.err_code == WRONG_LAST:
                    self._on_fenced()
                    raise FencedError("another control has taken over") from None
            except FAILURES:
                pass
            else:
                self._last = stored.seq
                return
            if self._abandoned:
                raise StoreError("NATS does not answer")
            await asyncio.sleep(AGAIN)

    async def _is_last(self, about: _Piece) -> bool:
        """Whether the last message is this one, of which no word had come back."""
        link = self._link
        while not self._abandoned:
            try:
                last = await link.ask(link.js.get_last_msg(link.names.journal, link.names.entries))
            except NotFoundError:
                return False
            except FAILURES:
                await asyncio.sleep(AGAIN)
            else:
                return last.seq == self._last + 1 and (last.headers or {}).get(RECORD) == str(about)
        raise StoreError("NATS does not answer")

    # reading

    async def _read(self) -> None:
        """Add up all records as far as the last that this control has written itself."""
        pieces = list[bytes]()
        async for message in read(self._link, self._link.names.journal, 0):
            if message is None:
                continue
            pieces = self._add(message, pieces)
            if message.number >= self._last:
                return

    def _add(self, message: Stored, pieces: list[bytes]) -> list[bytes]:
        """Take one message; the pieces of a record that is not whole yet."""
        try:
            about = _Piece.read(message.headers.get(RECORD, ""))
        except ValueError:
            _log.error("a message in the journal is no control's, and is passed over", number=message.number)
            return pieces
        if about.number != len(pieces) + 1:
            pieces = []  # whoever wrote those before did not come to the end
        if about.number == len(pieces) + 1:
            pieces = [*pieces, message.body]
        if len(pieces) < about.of:
            return pieces
        body = b"".join(pieces)
        record = orjson.loads(zlib.decompress(body))
        if record.get("whole"):
            self._sum.close()
            self._sum = SqliteStore(None)
            self._whole, self._bytes = len(body), 0
        else:
            self._bytes += len(body)
        self._sum.commit(_batch(record["batch"]))
        return []


def _all(store: SqliteStore) -> Batch:
    audit = list[Entry]()
    while logged := store.audit(after=len(audit), limit=1_000):
        audit += (each.entry for each in logged)
    return Batch(state=store.state(), seen=store.seen(), audit=audit)


def _plain(batch: Batch) -> dict[str, Any]:
    return {
        "state": {name: value.decode() for name, value in batch.state.items()},
        "seen": {key: value.decode() for key, value in batch.seen.items()},
        "forget": batch.forget,
        "audit": [tuple(entry) for entry in batch.audit],
    }


def _batch(plain: dict[str, Any]) -> Batch:
    return Batch(
        state={name: value.encode() for name, value in plain["state"].items()},
        seen={key: value.encode() for key, value in plain["seen"].items()},
        forget=plain["forget"],
        audit=[Entry._make(entry) for entry in plain["audit"]],
    )
