"""A socket between two processes of one deployment: frames of a kind, a length and a body, in order."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import cast

MAX_FRAME = 4 * 1024 * 1024
MAX_UNSENT = 4 * 1024 * 1024
"""Bytes that may wait for a slow reader; beyond it `offer` drops."""
_HEAD = struct.Struct(">BI")


class Kind(IntEnum):
    """What a frame holds."""

    CONFIG = 1
    """Parent to child: the configuration to apply, as JSON."""
    DRAIN = 2
    """Parent to child: accept no more, finish, end."""
    READY = 3
    """Child to parent: the port is open."""
    REPORT = 4
    """Child to parent: a report, see `proxy.report`."""
    MARK = 6
    """Child to parent: how far it has told, see `proxy.report`."""
    WEIGHT = 5
    """Parent to child: the candidate's share of sessions and how long it holds, as JSON; see `Plane.weigh`."""
    OFFER = 7
    """Child to parent: a case, see `proxy.offer`."""
    FLOORS = 8
    """Parent to child: what a case's rank must exceed by stratum, as JSON; see `Plane.admit`."""


class Line(asyncio.Protocol):
    """One end. Both calls back come on the event loop; `on_closed` once, and nothing after it.

    A frame that is too long or of no kind closes the line: the other side is not what it should be.
    """

    def __init__(self, on_frame: Callable[[Kind, bytes], None], on_closed: Callable[[], None]) -> None:
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None
        self._read = bytearray()

    def send(self, kind: Kind, body: bytes = b"") -> None:
        """Send, however much waits already; nothing where the line is closed."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines((_HEAD.pack(kind, len(body)), body))

    def offer(self, kind: Kind, body: bytes, unsent: int = MAX_UNSENT) -> bool:
        """Send where no more than `unsent` bytes wait for the reader; whether it was."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > unsent:
            return False
        self.send(kind, body)
        return True

    def close(self) -> None:
        """Send what waits, then close."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        read = self._read
        read += data
        start = 0
        while len(read) - start >= _HEAD.size:
            kind, length = _HEAD.unpack_from(read, start)
            if length > MAX_FRAME or kind not in set(Kind):
                self.close()
                return
            end = start + _HEAD.size + length
            if len(read) < end:
                break
            self._on_frame(Kind(kind), bytes(read[start + _HEAD.size : end]))
            start = end
        del read[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._on_closed()
