"""One connection to an arm: carries one leg at a time, and is kept for the next only where nothing is in doubt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from analyzers.pair import End
from proxy.gateway.leg import Leg
from proxy.gateway.response import BadResponseError, ResponseReader

if TYPE_CHECKING:
    from proxy.gateway.pool import Pool


class Upstream:
    """Made by a `Pool`. Bytes that come while no leg is carried close it: they could only be another's answer.

    An `asyncio.Protocol` in all but its base, which mypyc could not lay out in memory.
    """

    transport: asyncio.Transport

    def __init__(self, pool: Pool, head_bytes: int) -> None:
        self.leg: Leg | None = None
        self.closed = False
        self._pool = pool
        self._reader = ResponseReader(head_bytes)
        self._reused = False
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport = cast("asyncio.Transport", transport)
        if transport.get_extra_info("ssl_object") is not None:
            _hold_close(transport)

    def carry(self, leg: Leg) -> None:
        """Send a leg's request; its answer comes to it until it ends."""
        self.leg = leg
        leg.connection = self
        self._reader.expect(to_head=leg.to_head)
        leg.send(self)

    def pause(self) -> None:
        """Read nothing more until `resume`, since whoever takes the answer is slow."""
        if not self._paused and not self.closed:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._paused and not self.closed:
            self._paused = False
            self.transport.resume_reading()

    def yield_loop(self) -> None:
        """Let the event loop turn to others before more is read: a fast sender would be read for megabytes."""
        if not self._paused and not self.closed:
            self.pause()
            asyncio.get_running_loop().call_soon(self.resume)

    def abort(self) -> None:
        """Close at once, whatever is unsent or unread."""
        if not self.closed:
            self.closed = True
            self.transport.abort()

    def data_received(self, data: bytes) -> None:  # noqa: D102
        leg, reader = self.leg, self._reader
        if leg is None:
            self.abort()
            return
        known = reader.head
        broken = False
        try:
            reader.feed(data)
        except BadResponseError:
            broken = True
        if reader.interim:
            self._pass_interim(leg)
        head, body = reader.head if known is None else None, reader.body
        reader.body = b""  # none is held by a connection that waits, or was lost
        if reader.complete:
            self._ended(leg, reusable=not broken)
            leg.received(head, body, End.COMPLETE)
        elif broken:
            self._ended(leg, reusable=False)
            leg.received(head, body, End.RESET)
        elif head is not None or body:
            leg.received(head, body, None)

    def _pass_interim(self, leg: Leg) -> None:
        interim, self._reader.interim = self._reader.interim, []
        for head in interim:
            leg.interim(head)

    def _ended(self, leg: Leg, *, reusable: bool) -> None:
        """Part from the leg: back to the pool, or closed where the next answer could not be trusted."""
        self.leg = leg.connection = None
        head = self._reader.head
        if reusable and head is not None and head.keep_alive and leg.sent_whole() and self._all_taken():
            self._reused = True
            self.resume()
            self._pool.release(self)
        else:
            self.abort()

    def _all_taken(self) -> bool:
        """Whether no request waits here: who answers early may never read that, nor what comes behind it."""
        return self.transport.get_write_buffer_size() == 0

    def eof_received(self) -> bool:  # noqa: D102
        leg = self.leg
        if leg is not None and self._reader.end_of_stream():
            self._ended(leg, reusable=False)
            leg.received(None, b"", End.COMPLETE)
        elif not self.closed:
            self.closed = True
            self.transport.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self.closed = True
        self._pool.forget(self)
        leg, self.leg = self.leg, None
        if leg is None:
            return
        leg.connection = None
        if self._reused and not self._reader.begun and leg.replayable:
            leg.replayable = False  # the server closed an idle connection as the request was under way: once more
            self._pool.acquire(leg, fresh=True)
        else:
            leg.received(None, b"", End.RESET)

    def pause_writing(self) -> None:  # noqa: D102
        if self.leg is not None:
            self.leg.writable(paused=True)

    def resume_writing(self) -> None:  # noqa: D102
        if self.leg is not None:
            self.leg.writable(paused=False)


def _hold_close(transport: Any) -> None:
    """Have a TLS connection that is paused read nothing on beneath, once anything waits to be decrypted.

    uvloop reads on there otherwise, up to 256 kB; a FIN that it meets so loses all that waits, and with it the end
    of an answer whose server closes behind it.
    """
    transport.set_read_buffer_limits(1, 0)  # typeshed does not know it; `0` would pause for ever
