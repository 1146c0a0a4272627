"""The admin port's door on real sockets: whoever is slow, or one too many, is turned away, and nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from proxy.config import Config
from proxy.control.access import Guard, Tokens, json_body, json_response
from proxy.control.door import Door
from proxy.roles.site import AdminSite

SOON = 1.0
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
HALF = POST + b'Content-Length: 20\r\n\r\n{"a": '


class Stand:
    """An admin port with a handler that reads a body, and one that answers once `due` is set."""

    def __init__(self, config: Config, door: Door) -> None:
        admin = config.admin.model_copy(update={"listen": "127.0.0.1:0"})
        self.site = AdminSite(config.model_copy(update={"admin": admin}), door)
        self.reading, self.due = asyncio.Event(), asyncio.Event()

    async def show(self) -> None:
        app = web.Application(middlewares=[Guard(Tokens()).middleware])
        app.add_routes([web.post("/", self._read), web.get("/healthz", self._health), web.get("/slow", self._slow)])
        await self.site.show(app)

    async def connect(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self.site.address.host, self.site.address.port)
        writer.write(sent)
        return reader, writer

    async def _read(self, request: web.Request) -> web.Response:
        self.reading.set()
        return json_response(await json_body(request))

    async def _health(self, _: web.Request) -> web.Response:
        return json_response({})

    async def _slow(self, _: web.Request) -> web.Response:
        await self.due.wait()
        return json_response({})


@asynccontextmanager
async def standing(config: Config, door: Door) -> AsyncIterator[Stand]:
    stand = Stand(config, door)
    await stand.show()
    try:
        yield stand
    finally:
        await stand.site.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The status line of an answer with an empty object; b"" where the connection was closed instead."""
    try:
        return (await reader.readuntil(b"{}\n")).partition(b"\r\n")[0]
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", GET[:-2]])
async def test_whoever_sends_no_whole_head_in_time_is_cut_off(config: Config, sent: bytes) -> None:
    async with standing(config, Door(patience=SOON)) as stand:
        reader, writer = await stand.connect(sent)

        assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        HALF,
        HALF.replace(b"Host", b"Content-Type: multipart/form-data; boundary=x\r\nOrigin: http://localhost\r\nHost"),
        POST + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
    ],
)
async def test_a_body_that_is_not_whole_in_time_gets_408_and_holds_nothing(config: Config, sent: bytes) -> None:
    async with standing(config, Door(patience=SOON)) as stand:
        reader, writer = await stand.connect(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()

    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close" in head
    assert orjson.loads(body) == {"error": {"code": 408, "message": "the body was not whole within 1 s"}}


async def test_an_answer_may_take_longer_and_a_kept_connection_may_idle(config: Config) -> None:
    async with standing(config, Door(patience=SOON)) as stand:
        slow, at_slow = await stand.connect(GET.replace(b"/healthz", b"/slow"))
        kept, at_kept = await stand.connect(GET)
        first = await head_of(kept)
        cut, at_cut = await stand.connect(b"GET")
        assert await cut.read() == b""  # so that the others have been there for longer
        stand.due.set()
        at_kept.write(GET)

        assert [first, await head_of(kept), await head_of(slow)] == [b"HTTP/1.1 200 OK"] * 3
        for writer in (at_slow, at_kept, at_cut):
            writer.close()


async def test_no_more_are_let_in_than_there_is_room_for_and_that_is_logged_once(config: Config) -> None:
    with capture_logs() as logs:
        async with standing(config, Door(most=2)) as stand:
            inside = [await stand.connect(GET) for _ in range(2)]
            assert [await head_of(reader) for reader, _ in inside] == [b"HTTP/1.1 200 OK"] * 2
            beyond = [await stand.connect(GET) for _ in range(3)]
            assert [await head_of(reader) for reader, _ in beyond] == [b""] * 3
            inside.pop()[1].close()
            while True:  # until the server has seen that
                reader, writer = await stand.connect(GET)
                beyond.append((reader, writer))
                if await head_of(reader):
                    break
            for _, writer in inside + beyond:
                writer.close()

    turned_away = [line for line in logs if line["event"] == "connections to the admin port turned away"]
    assert [(line["count"], line["most"]) for line in turned_away] == [(1, 2)]


async def test_a_client_that_leaves_amid_its_body_is_no_error(config: Config) -> None:
    with capture_logs() as logs:
        async with standing(config, Door()) as stand:
            _, writer = await stand.connect(HALF)
            await stand.reading.wait()
            writer.close()
            await writer.wait_closed()
            reader, writer = await stand.connect(GET)
            assert await head_of(reader)
            writer.close()

    assert logs == []
