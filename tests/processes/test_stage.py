"""The candidate's share of sessions, as every gateway process has it, and what becomes of it without control."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.cli.program import start, write_config
from tests.processes.stand import Running, alive, running

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
SESSIONS = 40


def arm(name: str, healthy: asyncio.Event | None = None) -> TestServer:
    """A server that says which it is, and is well while `healthy` is set."""

    async def chat(_: web.Request) -> web.Response:
        return web.json_response({"arm": name})

    async def health(_: web.Request) -> web.Response:
        return web.Response(status=200 if healthy is None or healthy.is_set() else 503)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/health", health)
    return TestServer(app)


@pytest.fixture
async def urls() -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as stack:
        servers = [arm("baseline"), arm("candidate")]
        for server in servers:
            await server.start_server()
            stack.push_async_callback(server.close)
        yield [f"http://127.0.0.1:{server.port}" for server in servers]


def canary(path: Path, urls: list[str], silence: float = 60.0) -> Path:
    """Two processes, and one step of half the sessions."""
    return write_config(
        path / "c.yaml",
        *urls,
        baseline={"url": urls[0], "health": {"every": 0.05}},
        gateway={"workers": 2, "shed_lag": 60.0},
        mirror={"sample": 0.0},
        rollout={"canary": [{"weight": 0.5}], "silence": silence},
        store={"path": str(path / "s.db")},
    )


async def answered(run: Running) -> list[str]:
    """Which arm answered each session, on a connection of its own, so that every process is asked."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(number: int) -> str:
            url, headers = f"http://127.0.0.1:{run.port}/v1/chat/completions", {"X-Session-Id": str(number)}
            async with session.post(url, json=REQUEST, headers=headers) as response:
                return str((await response.json())["arm"])

        return list(await asyncio.gather(*map(ask, range(SESSIONS))))


async def until_split(run: Running) -> list[str]:
    """Wait until every process gives the candidate its half: whoever asks gets the same twice."""
    while True:
        first, second = await answered(run), await answered(run)
        if first == second and 0 < first.count("candidate") < SESSIONS:
            return first


async def until_baseline(run: Running) -> None:
    while await answered(run) + await answered(run) != ["baseline"] * 2 * SESSIONS:
        pass


async def test_a_stage_reaches_every_process_those_that_replace_others_too(urls: list[str], tmp_path: Path) -> None:
    async with running(canary(tmp_path, urls)) as run:
        assert await answered(run) == ["baseline"] * SESSIONS
        await run.post("/stage/promote")
        split = await until_split(run)

        os.kill(run.gateways[0], signal.SIGKILL)
        await run.program.event("gateway process serving")
        assert await until_split(run) == split

        await run.post("/stage/rollback")
        await until_baseline(run)


async def test_without_control_every_client_gets_the_baseline_and_with_it_the_stage_again(
    urls: list[str], tmp_path: Path
) -> None:
    async with running(canary(tmp_path, urls, silence=4.0)) as run:
        await run.post("/stage/promote")
        split = await until_split(run)
        run.program.process.send_signal(signal.SIGSTOP)
        try:
            await until_baseline(run)
            assert all(map(alive, run.gateways.values()))
        finally:
            run.program.process.send_signal(signal.SIGCONT)
        assert await until_split(run) == split
        assert await run.metric("slipgauge_canary_lapses_total") == 2


async def test_traffic_does_not_go_back_to_a_baseline_that_is_down_until_it_is_up(
    urls: list[str], tmp_path: Path
) -> None:
    healthy = asyncio.Event()
    healthy.set()
    async with AsyncExitStack() as stack:
        baseline = arm("baseline", healthy)
        await baseline.start_server()
        stack.push_async_callback(baseline.close)
        url = f"http://127.0.0.1:{baseline.port}"
        run = await stack.enter_async_context(running(canary(tmp_path, [url, urls[1]])))
        await run.post("/stage/promote")
        split = await until_split(run)
        healthy.clear()
        await run.until_metric(f'slipgauge_upstream_up{{arm="baseline",server="{url.removeprefix("http://")}"}}', 0)

        told = await run.post("/stage/rollback", reason="p99")
        assert (told["stage"], told["candidate_weight"]) == ("rolled_back", 0.5)
        assert told["changes"][0]["reason"] == f"p99; {told['guard']}"
        assert "the baseline has no healthy server" in told["guard"]
        assert await run.metric("slipgauge_traffic_kept") == 1
        assert await answered(run) == split

        healthy.set()
        await until_baseline(run)
        assert (await run.get("/stage"))["guard"] is None


async def test_a_killed_control_takes_its_processes_along_and_comes_back_where_it_was(
    urls: list[str], tmp_path: Path
) -> None:
    async with running(canary(tmp_path, urls)) as run:
        await run.post("/stage/promote")
        split = await until_split(run)
        run.program.process.kill()
        while any(map(alive, run.gateways.values())):  # noqa: ASYNC110 - processes end
            await asyncio.sleep(0.01)
    async with running(tmp_path / "c.yaml") as again:
        assert (await again.get("/stage"))["candidate_weight"] == 0.5
        assert await until_split(again) == split
        await again.post("/stage/rollback")
        again.program.process.kill()
    async with running(tmp_path / "c.yaml") as last:
        assert (await last.get("/stage"))["stage"] == "rolled_back"
        assert await answered(last) == ["baseline"] * SESSIONS


async def test_a_second_deployment_on_the_same_store_is_refused(urls: list[str], tmp_path: Path) -> None:
    async with running(canary(tmp_path, urls)):
        other = await start("run", tmp_path / "c.yaml")
        _, err = await other.process.communicate()

    assert other.process.returncode == 1
    assert b"store.path: " in err
    assert b"another Slipgauge uses it" in err
