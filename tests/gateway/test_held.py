# ruff: noqa: ARG001 - an answer takes what every answer is given
"""Request bodies are held in a bounded place for a bounded time; what does not fit passes by, and is counted."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from tests.arms.until import until
from tests.gateway.peer import Peer, Reader, Received, Writer, always, ask, plain, post, read_response, serving
from tests.gateway.stands import Stand, Stands

CHAT = "/v1/chat/completions"
BODY = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 1_000}]})


async def half(s: Stand, path: str = CHAT) -> tuple[Reader, Writer]:
    """A client that has sent half of its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
    writer.write(post(path, BODY)[: -len(BODY) // 2])
    await writer.drain()
    return reader, writer


def held(s: Stand) -> int:
    return s.gateway._services.bodies.used


async def test_bodies_that_find_no_room_pass_by_unmirrored_and_are_counted(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as other,
        stand(baseline.address, other.address, limits={"held_bytes": 1_200}) as s,
    ):
        clients = [await half(s) for _ in range(4)]
        await until(lambda: baseline.connections == 2)
        assert 1_000 < held(s) <= 1_200
        for reader, writer in clients:
            writer.write(BODY[-len(BODY) // 2 :])
            assert (await read_response(reader)).body == b"ok"
            writer.close()
        assert await s.settled() == {"paired": 2, "dropped_mirror_bytes": 2}
        assert [each.body for each in baseline.requests] == [BODY] * 4
        assert held(s) == 0


@pytest.mark.parametrize("path", [CHAT, "/v1/files"])
async def test_requests_that_wait_in_too_many_bytes_are_told_to_come_again(stand: Stands, path: str) -> None:
    release = asyncio.Event()

    async def slow(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await release.wait()
        writer.write(plain(b"ok"))

    async with (
        serving(slow) as baseline,
        stand(baseline.address, baseline.address, limits={"held_bytes": 1_500}, mirror={"sample": 0.0}) as s,
    ):
        loop = asyncio.get_running_loop()
        asking = [loop.create_task(ask(s.port, post(path, BODY))) for _ in range(2)]
        await baseline.until(lambda: len(baseline.requests) == 2)
        refused = await ask(s.port, post(path, BODY))
        assert (refused.status, refused.header(b"retry-after")) == (503, b"1")
        assert orjson.loads(refused.body)["error"]["code"] == "overloaded"
        assert s.refused() == {"held_bytes": 1}
        release.set()
        assert (await ask(s.port, post("/v1/models", b""))).body == b"ok"
        assert [(await each).body for each in asking] == [b"ok"] * 2
        assert (await ask(s.port, post(path, BODY))).body == b"ok"


async def test_a_body_is_kept_only_until_an_answer_begins(stand: Stands) -> None:
    release = asyncio.Event()

    async def streaming(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await release.wait()
        writer.write(b"k")

    async with (
        serving(streaming) as baseline,
        stand(baseline.address, baseline.address, mirror={"sample": 0.0}) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, BODY))
        await reader.readuntil(b"\r\n\r\no")
        assert held(s) == 0
        release.set()
        assert await reader.readexactly(1) == b"k"
        writer.close()


async def test_a_body_that_takes_too_long_passes_by_as_it_comes(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as other,
        stand(baseline.address, other.address, limits={"body_timeout": 0.05}) as s,
    ):
        reader, writer = await half(s)
        await until(lambda: baseline.connections == 1)
        assert held(s) == 0
        writer.write(BODY[-len(BODY) // 2 :])
        assert (await read_response(reader)).body == b"ok"
        assert baseline.requests[0].body == BODY
        assert await s.settled() == {"dropped_request_time": 1}
        writer.write(post(CHAT, BODY))
        assert (await read_response(reader)).body == b"ok"
        assert await s.settled() == {"dropped_request_time": 1, "paired": 1}
        assert len(other.requests) == 1
        writer.close()


async def test_the_time_for_one_body_does_not_run_into_the_next(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address, limits={"body_timeout": 1.0}) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        for _ in range(30):
            data = post(CHAT, BODY, extra="Expect: 100-continue\r\n")
            writer.write(data[: -len(BODY)])
            assert (await read_response(reader)).status == 100
            await asyncio.sleep(0.04)  # all of them together take longer than one may
            writer.write(BODY)
            assert (await read_response(reader)).body == b"ok"
        assert await s.settled() == {"paired": 30}
        writer.close()


async def test_a_client_that_leaves_in_the_middle_of_a_body_leaves_nothing_behind(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address) as s,
    ):
        _, writer = await half(s)
        await until(lambda: held(s) > 0)
        writer.close()
        await until(lambda: held(s) == 0)
        assert len(s.gateway._services.holds) == 0
        assert baseline.connections == 0


async def test_a_tap_reads_past_a_body_that_takes_too_long(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address, tap=True, limits={"body_timeout": 0.5}) as s,
    ):
        reader, writer = await half(s)
        await until(lambda: held(s) > 0)
        await until(lambda: held(s) == 0)
        writer.write(BODY[-len(BODY) // 2 :])
        assert (await read_response(reader)).status == 202
        assert await s.settled() == {"dropped_request_time": 1}
        writer.close()


@pytest.mark.parametrize("path", [CHAT, "/v1/files"])
async def test_bodies_that_never_end_take_no_connection_from_whole_requests(stand: Stands, path: str) -> None:
    async with serving(always(plain(b"ok"))) as baseline:
        arm = {"url": baseline.address, "connections": 1}
        async with stand(arm, baseline.address, limits={"body_timeout": 0.01}) as s:
            _, writer = await half(s, path)
            await until(lambda: bool(s.gateway._services.streaming.arm.servers.all[0].outstanding))
            for whole in (post(path, BODY), b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"):
                assert (await ask(s.port, whole)).body == b"ok"
            writer.close()
