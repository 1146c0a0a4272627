from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.processes.line import MAX_FRAME, MAX_UNSENT, Kind, Line


class End:
    """One end of a line, and what came out of it."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[tuple[Kind, bytes]] = asyncio.Queue()
        self.closed = asyncio.Event()
        self.line = Line(lambda kind, body: self.frames.put_nowait((kind, body)), self.closed.set)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[End, socket.socket]]:
    """An end, and the bare socket at the other."""
    ours, theirs = socket.socketpair()
    end = End()
    await asyncio.get_running_loop().create_connection(lambda: end.line, sock=ours)
    with theirs:
        yield end, theirs
    await end.closed.wait()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_frames_arrive_whole_and_in_order_however_they_are_cut(size: int) -> None:
    frames: list[tuple[Kind, bytes]] = []
    line = Line(lambda kind, body: frames.append((kind, body)), lambda: None)
    data = struct.pack(">BI", 4, 300) + b"x" * 300 + struct.pack(">BI", 2, 0)
    for at in range(0, len(data), size):
        line.data_received(data[at : at + size])

    assert frames == [(Kind.REPORT, b"x" * 300), (Kind.DRAIN, b"")]


async def test_what_is_sent_is_read_at_the_other_end() -> None:
    one, other = End(), End()
    loop = asyncio.get_running_loop()
    for end, sock in zip((one, other), socket.socketpair(), strict=True):
        await loop.create_connection(lambda end=end: end.line, sock=sock)  # type: ignore[misc]
    one.line.send(Kind.CONFIG, b"{}")
    assert one.line.offer(Kind.REPORT, b"[]")
    one.line.close()
    await other.closed.wait()

    assert [other.frames.get_nowait() for _ in range(2)] == [(Kind.CONFIG, b"{}"), (Kind.REPORT, b"[]")]
    assert not one.line.offer(Kind.REPORT, b"[]")


@pytest.mark.parametrize("head", [struct.pack(">BI", 4, MAX_FRAME + 1), struct.pack(">BI", 99, 0)])
async def test_a_frame_that_is_too_long_or_of_no_kind_ends_the_line(head: bytes) -> None:
    async with connected() as (end, theirs):
        theirs.sendall(head)
        await end.closed.wait()
        assert end.frames.empty()


async def test_reports_for_a_reader_that_sleeps_are_dropped_and_orders_are_not() -> None:
    async with connected() as (end, theirs):
        body = bytes(256 * 1024)
        taken = 0
        while end.line.offer(Kind.REPORT, body):
            taken += 1
        end.line.send(Kind.DRAIN)
        end.line.close()
        theirs.setblocking(False)
        received = bytearray()
        while not end.closed.is_set() or not received.endswith(struct.pack(">BI", Kind.DRAIN, 0)):
            try:
                received += theirs.recv(1 << 20)
            except BlockingIOError:
                await asyncio.sleep(0)

    assert MAX_UNSENT < taken * len(body) < 2 * MAX_UNSENT
    assert len(received) == taken * (5 + len(body)) + 5
