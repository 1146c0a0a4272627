"""A tiny arm for tests of the whole program: answers every chat request with one fixed text."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


class Upstream:
    """One arm. While `hold` is not set, answers wait for it; `arrived` is set by every request."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()
        self.hold.set()
        self.arrived = asyncio.Event()
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/health", self._health)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.port}"

    async def _chat(self, request: web.Request) -> web.Response:
        await request.read()
        self.arrived.set()
        await self.hold.wait()
        return web.Response(body=orjson.dumps(ANSWER), content_type="application/json")

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()
