# ruff: noqa: ARG001 - an answer takes what every answer is given
"""A model server that misbehaves on request, and a client that shows raw bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@dataclass
class Received:
    """One request as a server got it."""

    line: bytes
    headers: dict[bytes, bytes]
    body: bytes
    connection: int

    @property
    def path(self) -> bytes:
        return self.line.split(b" ")[1]


Answer = Callable[["Peer", Received, Reader, Writer], Awaitable[None]]


@dataclass
class Peer:
    """Reads requests strictly and hands each to `answer`; keeps what it received and which connections closed."""

    answer: Answer
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    address: str = ""
    port: int = 0

    async def until(self, predicate: Callable[[], bool]) -> None:
        async with self.changed:
            await self.changed.wait_for(predicate)

    async def note(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        self.open += 1
        number = self.connections
        try:
            while (received := await read_request(reader, number)) is not None:
                self.requests.append(received)
                await self.note()
                await self.answer(self, received, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            await self.note()
            writer.close()


async def read_request(reader: Reader, number: int) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *lines = head[:-4].split(b"\r\n")
    headers = {}
    for each in lines:
        name, _, value = each.partition(b":")
        assert name.lower() not in headers, f"{name!r} came twice"
        headers[name.lower()] = value.strip()
    if b"content-length" in headers:
        body = await reader.readexactly(int(headers[b"content-length"]))
    elif headers.get(b"transfer-encoding") == b"chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        body = b""
    return Received(line, headers, body, number)


@asynccontextmanager
async def serving(answer: Answer, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    peer = Peer(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await peer.serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", port, limit=2**20, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    peer.address = f"{'https' if tls else 'http'}://127.0.0.1:{peer.port}"
    try:
        yield peer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def plain(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def always(data: bytes) -> Answer:
    """Answer every request with these bytes."""

    async def answer(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def closing(data: bytes) -> Answer:
    """Answer with these bytes, then close."""

    async def answer(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return answer


async def silent(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
    """Accept and never answer, until the other side leaves."""
    await reader.read(1)


def reset(writer: Writer) -> None:
    """End a connection by a RST."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def reset_after(data: bytes) -> Answer:
    """Send these bytes, then a RST."""

    async def answer(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if data:
            writer.write(data)
            await writer.drain()
        reset(writer)

    return answer


def streamed(events: list[bytes]) -> Answer:
    """A chunked event stream, one chunk an event, each written by itself."""

    async def answer(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event in events:
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    return answer


async def endless(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
    """A chunked answer without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


@dataclass
class Response:
    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


async def read_response(reader: Reader, *, to_head: bool = False) -> Response:
    """One response, strictly; IncompleteReadError or ConnectionError where it breaks off."""
    head = await reader.readuntil(b"\r\n\r\n")
    line, *lines = head[:-4].split(b"\r\n")
    _, status, reason = line.split(b" ", 2)
    headers = [(name, value.strip()) for name, _, value in (each.partition(b":") for each in lines)]
    response = Response(int(status), reason, headers, b"")
    if to_head or response.status in (204, 304) or response.status < 200:
        return response
    if response.header(b"transfer-encoding") == b"chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            response.body += (await reader.readexactly(size + 2))[:-2]
        assert await reader.readexactly(2) == b"\r\n"
    elif (length := response.header(b"content-length")) is not None:
        response.body = await reader.readexactly(int(length))
    else:
        response.body = await reader.read()
    return response


def post(path: str, body: bytes, extra: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{extra}\r\n".encode() + body


async def ask(port: int, data: bytes, *, to_head: bool = False, tls: ssl.SSLContext | None = None) -> Response:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**25, ssl=tls)
    try:
        writer.write(data)
        return await read_response(reader, to_head=to_head)
    finally:
        writer.close()
