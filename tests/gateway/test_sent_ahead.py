# ruff: noqa: ARG001 - an answer takes what every answer is given
"""Clients that send ahead of their answers, and those that leave amid that: read within bounds, and missed."""

from __future__ import annotations

import asyncio

import pytest

from tests.arms.until import until
from tests.gateway.peer import (
    Peer,
    Reader,
    Received,
    Writer,
    always,
    plain,
    post,
    read_response,
    reset,
    serving,
    silent,
)
from tests.gateway.stands import Stands

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m"}'
CRAMMED = b"".join(post(f"/{n}", b"x" * 1_000) for n in range(800))
"""More than is kept behind a request that is not answered yet."""


@pytest.mark.parametrize("how", ["FIN", "RST"])
@pytest.mark.parametrize("path", [CHAT, "/v1/other"])
async def test_a_client_that_leaves_is_missed_however_much_it_has_sent_behind(
    stand: Stands, how: str, path: str
) -> None:
    async with (
        serving(silent) as baseline,
        serving(silent) as candidate,
        stand(baseline.address, candidate.address) as s,
    ):
        s.gateway._services.crammed.change(0.05)
        _, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.writelines([post(path, ASK), CRAMMED])
        await baseline.until(lambda: len(baseline.requests) == 1)
        await writer.drain()
        if how == "RST":
            reset(writer)
        else:
            writer.close()
        await baseline.until(lambda: baseline.open == 0)
        await candidate.until(lambda: candidate.open == 0)
        assert await s.settled() == ({"client_abort": 1} if path == CHAT else {})
        assert [each.path for each in baseline.requests] == [path.encode()]


@pytest.mark.parametrize("begun", [False, True])
async def test_a_connection_with_too_much_behind_an_answer_ends_with_it(stand: Stands, *, begun: bool) -> None:
    release = asyncio.Event()

    async def slow(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        answer = plain(b"ok")
        writer.write(answer[:-1] if begun else b"")
        await release.wait()
        writer.write(answer[-1:] if begun else answer)

    async with serving(slow) as baseline, stand(baseline.address, baseline.address) as s:
        s.gateway._services.crammed.change(0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.writelines([post("/first", b""), CRAMMED])
        [client] = s.gateway._services.clients
        await until(lambda: client._dropping)
        await writer.drain()
        release.set()
        response = await read_response(reader)
        assert (response.body, response.header(b"connection")) == (b"ok", None if begun else b"close")
        assert await reader.read() == b""
        writer.close()
        assert [each.path for each in baseline.requests] == [b"/first"]


async def test_what_waits_behind_an_answer_is_dropped_for_its_own_sake_alone(stand: Stands) -> None:
    """Not because too much waited behind an earlier one."""
    turns = asyncio.Semaphore(0)

    async def slow(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await turns.acquire()
        writer.write(plain(received.path))

    async with serving(slow) as baseline, stand(baseline.address, baseline.address) as s:
        crammed = s.gateway._services.crammed
        crammed.change(60.0)
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post("/first", b""))
        await baseline.until(lambda: len(baseline.requests) == 1)
        [client] = s.gateway._services.clients
        writer.write(post("/second", b"x" * 200_000))
        await until(lambda: client in crammed)
        turns.release()
        await baseline.until(lambda: len(baseline.requests) == 2)
        writer.write(post("/third", b""))
        await until(lambda: client._backlog_size > 0)
        assert client not in crammed
        turns.release()
        turns.release()
        assert [(await read_response(reader)).body for _ in range(3)] == [b"/first", b"/second", b"/third"]
        writer.close()


async def test_a_client_that_pipelines_and_reads_has_no_more_read_than_waits(stand: Stands) -> None:
    one = post("/v1/other", b"x" * 200)
    async with serving(always(plain(b"ok"))) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(one * 20_000)
        for _ in range(60):
            assert (await read_response(reader)).body == b"ok"
        [client] = s.gateway._services.clients
        assert len(client._reader.requests) * len(one) < 1_000_000
        writer.transport.abort()


async def test_a_client_that_leaves_is_missed_while_a_server_does_not_read_its_body(stand: Stands) -> None:
    """So it is where the body is whole; what streams holds its client back, and has `limits.idle_timeout`."""
    accepted: list[Writer] = []

    async def deaf(reader: Reader, writer: Writer) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # which a transport of a socket has
        accepted.append(writer)

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with stand(address, address, mirror={"request_bytes": 32_000_000, "sample": 0.0}) as s:
            _, writer = await asyncio.open_connection("127.0.0.1", s.port)
            writer.write(post(CHAT, ASK + b" " * 24_000_000))
            await until(lambda: bool(accepted))
            writer.transport.abort()
            await until(lambda: not s.gateway._services.clients)
        for each in accepted:
            each.close()


async def test_a_client_that_leaves_is_missed_while_its_body_waits_for_a_connection(stand: Stands) -> None:
    async with (
        serving(silent) as baseline,
        stand({"url": baseline.address, "connections": 1}, baseline.address) as s,
    ):
        body = b"x" * 1_000
        _, first = await asyncio.open_connection("127.0.0.1", s.port)
        first.write(post("/v1/other", body)[:-500])
        await until(lambda: baseline.connections == 1)
        clients = s.gateway._services.clients
        _, second = await asyncio.open_connection("127.0.0.1", s.port)
        second.write(post("/v1/other", body)[:-500])
        await until(lambda: sum(each._primary is not None for each in clients) == 2)
        second.write(body[-500:])
        await second.drain()
        second.transport.abort()
        await until(lambda: len(clients) == 1)
        first.transport.abort()
