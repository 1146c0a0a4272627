"""A server that writes down every byte it gets, and a client that sends raw bytes and reads to the end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from tests.fuzz import reference
from tests.gateway.smuggling import Arrival

_REBUILT = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding"})
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


class Outcome(NamedTuple):
    """What the client was answered, and what reached the server."""

    statuses: tuple[int, ...]
    arrivals: tuple[Arrival, ...]


class Recorder:
    """What its connections bring, read by the letter of RFC 9112. Each request is answered with 200."""

    port = 0

    def __init__(self) -> None:
        self._arrivals: list[Arrival] = []
        self._unread: list[bytearray] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def taken(self) -> tuple[Arrival, ...]:
        """What came since this was last asked; bytes that are no whole request are one without a method."""
        rest = [Arrival(b"", b"", bytes(unread)) for unread in self._unread if unread]
        arrivals, self._arrivals, self._unread = self._arrivals, [], []
        return (*arrivals, *rest)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unread = bytearray()
        try:
            while data := await reader.read(65_536):
                unread += data
                self._read(unread, writer)
                if unread not in self._unread:
                    self._unread.append(unread)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _read(self, unread: bytearray, writer: asyncio.StreamWriter) -> None:
        messages, end = _whole(bytes(unread))
        del unread[:end]
        for message in messages:
            self._arrivals.append(_arrival(message))
            body = b"" if message.start[0] == b"HEAD" else b"ok"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)
        if b"\r\n\r\n" in unread and b"ontent-" not in unread:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _whole(wire: bytes) -> tuple[list[reference.Message], int]:
    """The whole requests of a connection, and where the last ends."""
    messages: list[reference.Message] = []
    end = 0
    try:
        for message, at in reference.requests(wire):
            messages.append(message)
            end = at
    except reference.GrammarError:
        pass
    return messages, end


def _arrival(message: reference.Message) -> Arrival:
    fields = frozenset((name.lower(), value) for name, value in message.fields if name.lower() not in _REBUILT)
    return Arrival(message.start[0], message.start[1], message.body, fields)


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await recorder.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def exchange(port: int, data: bytes) -> bytes:
    """Send bytes on a connection of their own, and read until the other side ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        writer.write(data)
        async with asyncio.timeout(20):
            while part := await reader.read(65_536):
                answer += part
    except ConnectionError:
        pass
    finally:
        writer.close()
    return answer


def statuses(answer: bytes) -> tuple[int, ...]:
    """The final statuses in what a client read, in order."""
    found = (int(match[1]) for match in _STATUS.finditer(answer))
    return tuple(status for status in found if status >= 200)
