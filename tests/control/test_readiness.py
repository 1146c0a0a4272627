from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.config import Arm
from proxy.control import readiness
from proxy.control.readiness import Baseline


def arm(*urls: str) -> Arm:
    return Arm(url=urls)


@asynccontextmanager
async def asking(*urls: str) -> AsyncIterator[Baseline]:
    baseline = Baseline(arm(*urls))
    yield baseline
    await baseline.close()


async def upstream(status: int) -> tuple[TestServer, list[str]]:
    asked: list[str] = []

    async def health(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/health", health)
    server = TestServer(app)
    await server.start_server()
    return server, asked


@pytest.mark.parametrize(("status", "problem"), [(200, None), (404, None), (503, "the baseline answers 503")])
async def test_any_answer_below_500_will_do(status: int, problem: str | None) -> None:
    server, _ = await upstream(status)
    async with asking(str(server.make_url(""))) as baseline:
        assert await baseline.problem() == problem
    await server.close()


async def test_a_server_that_is_gone_or_silent_is_told(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT", 0.05)
    silent = socket.create_server(("127.0.0.1", 0))  # connections wait in its backlog for ever
    port = silent.getsockname()[1]
    async with asking(f"http://127.0.0.1:{unused_tcp_port}") as baseline:
        gone = await baseline.problem()
        await baseline.use(arm(f"http://127.0.0.1:{port}"))
        quiet = await baseline.problem()
    silent.close()

    assert gone is not None
    assert "cannot be reached" in gone
    assert quiet is not None
    assert "silent" in quiet


async def test_a_crowd_of_askers_is_one_probe() -> None:
    server, asked = await upstream(200)
    async with asking(str(server.make_url(""))) as baseline:
        await asyncio.gather(*(baseline.problem() for _ in range(20)))
    await server.close()

    assert asked == ["/health"]
