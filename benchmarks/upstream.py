"""A mock model server: answers baked beforehand, framing no more than our own peers need.

    python -m benchmarks.upstream PORT

Each line on standard input is a mode and sets how it answers from now on, or is empty; each line that it prints
says what it has counted. Where the mode changes, open connections are dropped, so that nothing of the last one is
left hanging. Modes are the functions of `MODES`, `name:N` gives them a number; `absent` stops listening.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import socket
import struct
import sys
from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import cast

import uvloop

from benchmarks import messages

ABSENT = "absent"
INTERVAL = 0.02
"""Seconds between the events of a spaced answer."""
DRIP = 0.1
"""Seconds between the bytes of a dripping answer."""
_DRIPPED = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
_GARBAGE = random.Random(1).randbytes(400)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Server:
    """How it answers, and what it has counted."""

    def __init__(self, port: int) -> None:
        self.answer: Answer = healthy
        self.polite = True
        """Whether it says how it is when it is asked."""
        self.connections: set[Connection] = set()
        self.requests = 0
        self.answered = 0
        self.events = 0
        self._port = port
        self._mode = "healthy"
        self._listener: asyncio.Server | None = None

    async def listen(self) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(partial(Connection, self), "127.0.0.1", self._port, backlog=4096)

    async def set(self, mode: str) -> None:
        """Answer so from now on; nothing happens where it is the mode already."""
        if mode == self._mode:
            return
        self._mode = mode
        for connection in list(self.connections):
            connection.transport.abort()
        if self._listener is not None and mode == ABSENT:
            self._listener.close()
            self._listener = None
            return
        name, _, number = mode.partition(":")
        self.polite = name in POLITE
        self.answer = partial(MODES[name], number=int(number)) if number else MODES[name]
        if self._listener is None:
            await self.listen()

    def counts(self) -> dict[str, int]:
        """Requests read whole (those of a client, not those that ask how it is), answers written, events sent."""
        return {"requests": self.requests, "answered": self.answered, "events": self.events}


class Connection(asyncio.Protocol):
    """Reads requests with a Content-Length or no body, one at a time or pipelined."""

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self.server = server
        self.timer: asyncio.TimerHandle | None = None
        self.on_writable: Callable[[], None] | None = None
        self.writable = True
        self.wants_stream = False
        """Of the request that was read last."""
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport = cast("asyncio.Transport", transport)
        self.server.connections.add(self)
        if self.server.answer is deaf:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self.server.connections.discard(self)
        self.on_writable = None
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:  # noqa: D102
        data = self._unread + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            size = end + 4 + _length(data[:end])
            if len(data) < size:
                break
            request, data = data[:size], data[size:]
            if request.startswith(b"GET ") and self.server.polite:
                self.transport.write(messages.METRICS)  # or its health, which takes any answer
                continue
            self.server.requests += request.startswith(b"POST ")
            self.wants_stream = messages.wants_stream(request)
            self.server.answer(self)
        self._unread = data

    def pause_writing(self) -> None:  # noqa: D102
        self.writable = False

    def resume_writing(self) -> None:  # noqa: D102
        self.writable = True
        if self.on_writable is not None:
            self.on_writable()

    def write(self, data: bytes) -> None:
        """Write an answer, or what was left of one."""
        self.transport.write(data)
        self.server.answered += 1


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


Answer = Callable[..., None]


def healthy(connection: Connection) -> None:
    """The whole answer in one write; 64 events of it where a stream was asked for."""
    connection.write(messages.AT_ONCE if connection.wants_stream else messages.PLAIN)


def thinking(connection: Connection, number: int = 20) -> None:
    """The whole answer after `number` milliseconds, as a model that has to think."""
    connection.timer = asyncio.get_running_loop().call_later(number / 1_000, healthy, connection)


def spaced(connection: Connection, number: int = messages.EVENTS) -> None:
    """An event each 20 ms where a stream was asked for."""
    if not connection.wants_stream:
        connection.write(messages.PLAIN)
        return
    loop = asyncio.get_running_loop()
    start = loop.time()
    sent = 0

    def send() -> None:
        nonlocal sent
        if sent == number:
            connection.write(messages.END)
            return
        head = b"" if sent else messages.STREAM_HEAD
        connection.transport.write(head + messages.event(monotonic_ns()))
        sent += 1
        connection.server.events += 1
        connection.timer = loop.call_at(start + sent * INTERVAL, send)

    send()


def large(connection: Connection, number: int = 100) -> None:
    """`number` million bytes as fast as they are taken, where a stream was asked for."""
    if not connection.wants_stream:
        connection.write(messages.PLAIN)
        return
    block = messages.chunk(b"data: " + b"x" * 9_992 + b"\n\n") * 10
    left = number * 10

    def fill() -> None:
        nonlocal left
        while left and connection.writable:
            left -= 1
            connection.transport.write(block)
        if not left:
            connection.on_writable = None
            connection.write(messages.END)

    connection.on_writable = fill
    connection.transport.write(messages.STREAM_HEAD)
    fill()


def hung(connection: Connection) -> None:
    """Nothing, ever."""


def deaf(connection: Connection) -> None:
    """Nothing, and nothing is read either."""


def dripping(connection: Connection) -> None:
    """A small answer, a byte each 100 ms."""
    loop = asyncio.get_running_loop()

    def drip(position: int) -> None:
        connection.transport.write(_DRIPPED[position : position + 1])
        if position + 1 < len(_DRIPPED):
            connection.timer = loop.call_later(DRIP, drip, position + 1)
        else:
            connection.server.answered += 1

    drip(0)


def resetting(connection: Connection) -> None:
    """A reset in place of an answer."""
    sock = connection.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.transport.abort()


def garbage(connection: Connection) -> None:
    """Bytes that are no HTTP."""
    connection.write(_GARBAGE)
    connection.transport.close()


def huge(connection: Connection) -> None:
    """Ten megabytes."""
    connection.write(_HUGE)


_HUGE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n" + b" " * 10_000_000
POLITE = ("healthy", "thinking", "spaced", "large")
MODES: dict[str, Answer] = {
    mode.__name__: mode
    for mode in (healthy, thinking, spaced, large, hung, deaf, dripping, resetting, garbage, huge)
}


async def serve(port: int) -> None:
    """Serve until standard input ends."""
    server = Server(port)
    await server.listen()
    commands: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: commands.put_nowait(sys.stdin.readline()))
    while line := await commands.get():
        if mode := line.strip():
            await server.set(mode)
        print(json.dumps(server.counts()), flush=True)


def main() -> None:
    """Serve the port given."""
    gc.disable()
    uvloop.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
