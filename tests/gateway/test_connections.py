# ruff: noqa: ARG001 - an answer takes what every answer is given
"""Connections on both sides: reuse, order, leaving, limits, and bytes that must reach nobody else."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest

from proxy.gateway.response import ResponseReader
from tests.arms.until import until
from tests.gateway.peer import (
    Peer,
    Reader,
    Received,
    Writer,
    always,
    ask,
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


async def test_a_second_request_is_never_read_out_of_the_first_ones_body(stand: Stands) -> None:
    inner = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving(always(plain(b"ok"))) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)
        writer.write(post("/a", inner))
        writer.write(b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
        for _ in range(2):
            assert (await read_response(reader)).body == b"ok"
        writer.close()
        assert [(r.path, r.body) for r in baseline.requests] == [(b"/a", inner), (b"/b", inner)]


async def test_pipelined_requests_are_answered_in_order(stand: Stands) -> None:
    async def echo(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(plain(received.path + received.body))

    async with serving(echo) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        wire = b"".join(post(f"/{n}", b"x" * (n % 7)) for n in range(200))
        for start in range(0, len(wire), 1_000):
            writer.write(wire[start : start + 1_000])
            await asyncio.sleep(0)
        for n in range(200):
            assert (await read_response(reader)).body == b"/%d" % n + b"x" * (n % 7)
        writer.close()
        assert baseline.connections == 1


async def test_an_answer_that_went_on_is_held_by_no_connection(stand: Stands) -> None:
    answer = b"held by nobody" * 5_000
    async with serving(always(plain(answer))) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post("/a", b""))
        assert (await read_response(reader)).body == answer
        readers = [each for each in gc.get_objects() if isinstance(each, ResponseReader) and each.begun]
        assert readers
        assert not any(each.body for each in readers)
        writer.close()


async def test_a_refusal_waits_for_the_answers_before_it(stand: Stands) -> None:
    async with serving(always(plain(b"ok"))) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post("/a", b"") + b"GET /b HTTP/1.1\r\n\r\n" + post("/c", b""))
        assert (await read_response(reader)).status == 200
        assert (await read_response(reader)).status == 400
        assert await reader.read() == b""
        writer.close()
        assert [r.path for r in baseline.requests] == [b"/a"]


@pytest.mark.parametrize("path", [CHAT, "/v1/files"])
async def test_expect_100_is_answered_by_the_gateway_and_not_passed_on(stand: Stands, path: str) -> None:
    async with serving(always(plain(b"ok"))) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        data = post(path, ASK, extra="Expect: 100-continue\r\n")
        head, body = data[: -len(ASK)], data[-len(ASK) :]
        writer.write(head)
        assert (await read_response(reader)).status == 100
        writer.write(body)
        assert (await read_response(reader)).body == b"ok"
        writer.close()
        assert b"expect" not in baseline.requests[0].headers


@pytest.mark.parametrize("how", ["FIN", "RST"])
@pytest.mark.parametrize("path", [CHAT, "/v1/other"])
async def test_a_client_that_leaves_aborts_the_servers_work(stand: Stands, how: str, path: str) -> None:
    async def drip(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        assert await reader.read() == b""

    async with (
        serving(drip) as baseline,
        serving(drip) as candidate,
        stand(baseline.address, candidate.address) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(path, ASK))
        await reader.readuntil(b"abc\r\n")
        if path == CHAT:
            await candidate.until(lambda: len(candidate.requests) == 1)
        if how == "RST":
            reset(writer)
        else:
            writer.write_eof()
        await baseline.until(lambda: baseline.open == 0)
        await candidate.until(lambda: candidate.open == 0)
        assert await s.settled() == ({"client_abort": 1} if path == CHAT else {})
        # Who is measured hangs on the request alone: both arms were asked, so the pair is handed over as missing.
        assert [(pair.body, state) for pair, state in s.pairs] == ([(ASK, "client_abort")] if path == CHAT else [])
        for pair, _ in s.pairs:
            assert {(each.end, each.body) for each in (pair.baseline, pair.candidate)} == {("aborted", b"")}
        assert s.left == []
        writer.close()


async def test_a_kept_connection_that_was_closed_costs_the_client_nothing(stand: Stands) -> None:
    """The server answers, then closes just as the next request arrives."""

    async def once(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if peer.connections == 1 and len(peer.requests) == 2:
            writer.transport.abort()
            return
        writer.write(plain(b"%d" % received.connection))

    async with (
        serving(once) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        stand(baseline.address, candidate.address) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == b"1"
        assert (await ask(s.port, post(CHAT, ASK))).body == b"2"
        assert await s.settled() == {"paired": 2}


async def test_a_kept_connection_that_was_closed_is_no_failure_of_either_arm(stand: Stands) -> None:
    """Both legs are sent once more where a kept connection closes under them, and only once."""

    async def forgetful(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if len(peer.requests) in (2, 5, 6):
            writer.transport.abort()
            return
        writer.write(plain(b"ok"))

    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(forgetful) as other,
        stand(baseline.address, other.address) as s,
    ):
        for expected in ({"paired": 1}, {"paired": 2}, {"paired": 3}, {"paired": 3, "unserved_candidate": 1}):
            await ask(s.port, post(CHAT, ASK))
            assert await s.settled() == expected
        assert [each.connection for each in other.requests] == [1, 1, 2, 2, 2, 3]
        assert {each.body for each in other.requests} == {ASK}
        assert s.gateway._services.mirrors_in_flight == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "sent"),
    [
        ("POST", "/v1/batches", b"", 1),
        ("GET", "/v1/models", b"", 2),
        ("POST", CHAT, ASK, 2),
        ("POST", CHAT, b'{"model":"m","store":true}', 1),
        ("POST", CHAT, b'{"model":"m","tools":[{"type":"mcp"}]}', 1),
        ("POST", CHAT, b'{"model":"not mirrored"}', 1),
        ("POST", "/v1/responses", b'{"model":"m","background":true}', 1),
        ("POST", "/v1/responses", b'{"model":"m"}', 2),
    ],
)
@pytest.mark.parametrize("weight", [0.0, 1e-6])  # in a canary's stage a request is read before it is sent
async def test_what_may_act_on_the_world_is_not_sent_twice(
    stand: Stands, method: str, path: str, body: bytes, *, sent: int, weight: float
) -> None:
    async def once(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if len(peer.requests) == 2:
            writer.transport.abort()
            return
        writer.write(plain(b"ok"))

    async with (
        serving(once) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        stand(baseline.address, candidate.address, weight) as s,
    ):
        assert (await ask(s.port, post("/first", b""))).body == b"ok"
        response = await ask(
            s.port, f"{method} {path} HTTP/1.1".encode() + post(path, body).partition(b" HTTP/1.1")[2]
        )
        assert response.status == (502 if sent == 1 else 200)
        assert s.refused() == ({"bad_gateway": 1} if sent == 1 else {})
        assert len(baseline.requests) == 1 + sent


async def test_a_fresh_connection_that_breaks_is_not_tried_again(stand: Stands) -> None:
    async def never(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.transport.abort()

    async with serving(never) as baseline, stand(baseline.address, baseline.address, mirror={"sample": 0.0}) as s:
        assert (await ask(s.port, post(CHAT, ASK))).status == 502
        assert len(baseline.requests) == 1


@pytest.mark.parametrize("surplus", [b"X", plain(b"STOLEN"), b"\r\n\r\n" + plain(b"STOLEN")])
@pytest.mark.parametrize("later", [False, True])
async def test_bytes_after_an_answer_reach_no_other_client(stand: Stands, surplus: bytes, *, later: bool) -> None:
    async def generous(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        answer = plain(b"for " + received.path)
        if later:
            writer.write(answer)
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(surplus)
        else:
            writer.write(answer + surplus)

    async with serving(generous) as baseline, stand(baseline.address, baseline.address) as s:
        for n in range(6):
            assert (await ask(s.port, post(f"/{n}", b""))).body == b"for /%d" % n
            if later:
                await baseline.until(lambda: baseline.open == 0)
        assert baseline.connections == 6


async def test_an_answer_before_the_body_is_complete_ends_the_connection(stand: Stands) -> None:
    async def hasty(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(plain(b"too much", status="413 Too Much"))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hasty, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, stand(address, address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab")
        response = await read_response(reader)
        assert (response.status, response.header(b"connection")) == (413, b"close")
        assert await reader.read() == b""
        writer.close()


async def test_an_absent_baseline_is_a_502_and_still_a_pair(stand: Stands) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with serving(always(plain(b"ok"))) as candidate, stand(address, candidate.address) as s:
            response = await ask(s.port, post(CHAT, ASK))
            assert response.status == 502
            assert await s.settled() == {"unserved_baseline": 1}
            pair, state = s.pairs[0]
            assert (pair.baseline.end, pair.candidate.body, state) == ("refused", b"ok", "unserved_baseline")


async def test_a_body_too_large_is_a_413_before_any_server_sees_it(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address, limits={"body_bytes": 1_000}) as s,
    ):
        assert (await ask(s.port, post(CHAT, b"x" * 1_001))).status == 413
        chunked = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        assert (await ask(s.port, chunked + b"3e9\r\n" + b"x" * 1_001 + b"\r\n0\r\n\r\n")).status == 413
        assert baseline.requests == []


@pytest.mark.parametrize(
    ("sent", "limits", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost:", {"head_timeout": 0.05}, 408),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na", {"idle_timeout": 0.5}, 408),
        (b"", {"idle_timeout": 0.05}, None),
    ],
    ids=["slow head", "slow body", "idle"],
)
async def test_a_slow_client_is_not_waited_for_for_ever(
    stand: Stands, sent: bytes, limits: dict[str, float], status: int | None
) -> None:
    async with serving(silent) as baseline, stand(baseline.address, baseline.address, limits=limits) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(sent)
        if status is not None:
            assert (await read_response(reader)).status == status
        assert await reader.read() == b""
        writer.close()


async def test_connections_beyond_the_limit_are_told_so(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address, limits={"clients": 2}) as s,
    ):
        kept = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
            writer.write(post("/a", b""))
            assert (await read_response(reader)).status == 200
            kept.append(writer)
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        assert (await read_response(reader)).status == 503
        for each in (*kept, writer):
            each.close()


async def test_stopping_lets_a_request_under_way_finish_and_closes_the_rest(stand: Stands) -> None:
    release = asyncio.Event()

    async def slow(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await release.wait()
        writer.write(plain(b"done"))

    async with serving(slow) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, ASK))
        await baseline.until(lambda: len(baseline.requests) == 1)
        stopping = asyncio.get_running_loop().create_task(s.gateway.stop())
        assert await idle_reader.read() == b""
        assert not stopping.done()
        release.set()
        response = await read_response(reader)
        assert (response.body, response.header(b"connection")) == (b"done", b"close")
        writer.close()
        idle_writer.close()
        await stopping
        assert await s.settled() == {"paired": 1}


async def test_a_client_that_reads_slowly_holds_back_its_server_and_nobody_else(stand: Stands) -> None:
    sent = 0

    async def much(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        nonlocal sent
        if received.path == b"/small":
            writer.write(plain(b"ok"))
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n")
        for _ in range(400):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000
            await peer.note()

    async with serving(much) as baseline, stand(baseline.address, baseline.address) as s:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", s.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=65_536)
        writer.write(post("/big", b""))
        await baseline.until(lambda: sent > 0)
        before = -1
        while before != sent:
            before = sent
            for _ in range(20):
                assert (await ask(s.port, post("/small", b""))).body == b"ok"
        assert sent < 40_000_000
        response = await read_response(reader)
        assert len(response.body) == 40_000_000
        writer.close()


async def test_a_client_that_sends_on_and_reads_nothing_is_not_answered_on(stand: Stands) -> None:
    """What is written for a client stays bounded, however many requests it has sent ahead."""
    body = b"x" * 60_000
    async with serving(always(plain(body))) as baseline, stand(baseline.address, baseline.address) as s:
        sock = socket.create_connection(("127.0.0.1", s.port))
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(sock, post("/v1/files", b"") * 300)
        clients = s.gateway._services.clients
        await until(lambda: any(client.congested and client._request is None for client in clients))
        assert len(baseline.requests) < 300
        assert sum(client.transport.get_write_buffer_size() for client in clients) < 4 * len(body)
        reader, writer = await asyncio.open_connection(sock=sock)
        for _ in range(300):
            assert (await read_response(reader)).body == body
        writer.close()
        assert len(baseline.requests) == 300


async def test_a_connection_whose_server_left_a_request_unread_carries_no_other(stand: Stands) -> None:
    writers: list[Writer] = []

    async def early(reader: Reader, writer: Writer) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(plain(b"early"))  # and reads on no more

    server = await asyncio.start_server(early, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    held = {"sample": 0.0, "request_bytes": 20_000_000}
    async with server, stand(url, "http://127.0.0.1:1", mirror=held) as s:
        assert (await ask(s.port, post(CHAT, b"x" * 12_000_000))).body == b"early"
        assert (await ask(s.port, post(CHAT, b"x"))).body == b"early"
        for writer in writers:
            writer.transport.abort()


async def test_a_client_that_closes_its_half_and_takes_nothing_is_not_waited_for_for_ever(stand: Stands) -> None:
    """What waits for it is too little to count as more than it takes, and no answer is under way."""

    async def drip(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        (client,) = clients
        client.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n")
        while client.transport.get_write_buffer_size() < 20_000:
            writer.write(b"x" * 4_096)
            await asyncio.sleep(0.001)
        await reader.read()

    async with (
        serving(drip) as baseline,
        stand(baseline.address, baseline.address, limits={"idle_timeout": 0.2}) as s,
    ):
        clients = s.gateway._services.clients
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", s.port))
        await asyncio.get_running_loop().sock_sendall(sock, post("/big", b""))
        await until(lambda: any(client.transport.get_write_buffer_size() >= 20_000 for client in clients))
        sock.shutdown(socket.SHUT_WR)
        await until(lambda: not clients)
        sock.close()
