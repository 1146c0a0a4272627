"""A server in front of a vLLM server that passes everything on and keeps the bytes of every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from analyzers.pair import Capture, End


class Recorder:
    """What one server answered, by the `user` of the request, which a mirror keeps."""

    def __init__(self, upstream: aiohttp.ClientSession) -> None:
        self.answers: dict[str, Capture] = {}
        self._upstream = upstream

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {"Content-Type": request.content_type}
        async with self._upstream.request(request.method, request.path, data=body, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status)
            response.content_type = answer.content_type
            await response.prepare(request)
            pieces = []
            async for piece in answer.content.iter_any():
                pieces.append(piece)
                await response.write(piece)
        if body:
            capture = Capture(End.COMPLETE, answer.status, answer.content_type, body=b"".join(pieces))
            self.answers[orjson.loads(body)["user"]] = capture
        await response.write_eof()
        return response


@asynccontextmanager
async def recording(url: str) -> AsyncIterator[tuple[Recorder, str]]:
    """A recorder before the server at `url`, and its own URL."""
    # A kept connection may be closed by vLLM just as it is used again, and aiohttp sends no POST twice.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(url, connector=connector) as upstream:
        recorder = Recorder(upstream)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", recorder.handle)
        async with TestServer(app) as server:
            yield recorder, str(server.make_url("")).rstrip("/")
