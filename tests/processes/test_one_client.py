"""A client that knows what the baseline answers, against the whole program: alone it can roll nothing back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.cli.program import start, write_config
from tests.processes.stand import AGAIN

SESSIONS = 60
SCHEMA = {"type": "object", "properties": {"number": {"const": 1}}, "required": ["number"]}
REQUEST = {
    "model": "m",
    "messages": [{"role": "user", "content": "Name a number, as JSON."}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
}


def arm(number: int) -> TestServer:
    """A server that always names the same number."""
    message = {"role": "assistant", "content": orjson.dumps({"number": number}).decode()}
    body = orjson.dumps({"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    async def chat(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    return TestServer(app)


@asynccontextmanager
async def serving(path: Path, **clients: Any) -> AsyncIterator[tuple[aiohttp.ClientSession, str, str]]:
    """The program before two arms that name different numbers: a session, and the URLs of its two ports."""
    async with AsyncExitStack() as stack:
        arms = [arm(1), arm(2)]
        for each in arms:
            await each.start_server()
            stack.push_async_callback(each.close)
        urls = [f"http://127.0.0.1:{each.port}" for each in arms]
        program = await start("run", write_config(path / "c.yaml", *urls, clients=clients))
        try:
            told = await program.event("serving")
            session = await stack.enter_async_context(aiohttp.ClientSession())
            yield session, f"http://{told['listen']}", f"http://{told['admin']}"
        finally:
            program.process.kill()
            await program.process.communicate()


async def send(session: aiohttp.ClientSession, data: str, names: list[str]) -> None:
    """A session of each of these clients."""

    async def one(number: int, name: str) -> None:
        headers = {"X-Session-Id": f"{name}-{number}", "X-Tenant": name}
        async with session.post(f"{data}/v1/chat/completions", json=REQUEST, headers=headers) as response:
            assert response.status == 200

    await asyncio.gather(*(one(number, name) for number, name in enumerate(names)))


async def until(session: aiohttp.ClientSession, url: str, said: Any) -> dict[str, Any]:
    while True:
        async with session.get(url) as response:
            told: dict[str, Any] = await response.json()
        if said(told):
            return told
        await asyncio.sleep(AGAIN)


@pytest.mark.parametrize(("clients", "identified"), [({}, False), ({"identity": "X-Tenant"}, True)])
async def test_a_client_alone_rolls_nothing_back_where_clients_are_told_apart(
    tmp_path: Path,
    clients: dict[str, Any],
    identified: bool,  # noqa: FBT001
) -> None:
    async with serving(tmp_path, **clients) as (session, data, admin):
        await send(session, data, ["hostile"] * SESSIONS)
        if identified:
            done = await until(
                session, f"{admin}/verdict", lambda told: told["uncounted"]["json.invalid"] == SESSIONS - 5
            )
            assert done["stage"] == "shadow"
            assert {row["name"]: row["sessions"] for row in done["guardrails"]}["json.invalid"] == 5
            # The same slip, of everybody, is found all the same.
            await send(session, data, [f"user{number}" for number in range(SESSIONS)])
        await until(session, f"{admin}/stage", lambda told: told["stage"] == "rolled_back")
