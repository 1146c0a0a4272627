from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.tasks import cancel, spawn
from tests.cli.program import Program, start, write_config
from tests.cli.upstream import ANSWER, Upstream
from tests.processes.stand import AGAIN

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[tuple[Program, str, str, aiohttp.ClientSession]]:
    """The program up, with the URLs of its data and admin ports. Killed at the end where it still runs."""
    program = await start("run", config)
    try:
        serving = await program.event("serving")
        async with aiohttp.ClientSession() as session:
            yield program, f"http://{serving['listen']}", f"http://{serving['admin']}", session
    finally:
        if program.process.returncode is None:
            program.process.kill()
        await program.process.communicate()


async def ask(session: aiohttp.ClientSession, data: str) -> tuple[int, Any]:
    async with session.post(f"{data}/v1/chat/completions", json=REQUEST) as response:
        return response.status, await response.json()


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with session.get(url) as response:
        return response.status, await response.json()


async def until(session: aiohttp.ClientSession, url: str, **expected: Any) -> Any:
    """Ask until the answer holds these values; the test's own timeout ends it."""
    while True:
        _, told = await get(session, url)
        if expected.items() <= told.items():
            return told
        await asyncio.sleep(AGAIN)


async def test_a_request_is_answered_mirrored_scored_and_accounted_for(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    async with running(config) as (_, data, admin, session):
        assert await ask(session, data) == (200, ANSWER)
        await asyncio.wait_for(arms[1].arrived.wait(), 10)
        ledger = await until(session, f"{admin}/ledger", open=0, total=1)
        scored = 'slipgauge_findings_total{analyzer="served",baseline="pass",candidate="pass"} 1.0'
        while True:
            async with session.get(f"{admin}/metrics") as response:
                if scored in await response.text():
                    break
            await asyncio.sleep(AGAIN)
        while True:  # a session counts once nothing before it is open: control hears of that a moment later
            _, verdict = await get(session, f"{admin}/verdict")
            if {row["name"]: row["sessions"] for row in verdict["guardrails"]}["served"]:
                break
            await asyncio.sleep(AGAIN)

    assert ledger["states"]["paired"] == 1
    assert ledger["balanced"] is True
    assert verdict["verdict"] == "no_data"
    assert {row["name"]: row["sessions"] for row in verdict["guardrails"]}["served"] == 1


async def test_sigterm_lets_accepted_requests_finish(arms: tuple[Upstream, Upstream], tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    arms[0].hold.clear()
    async with running(config) as (program, data, admin, session):
        asking = spawn(ask(session, data), name="ask")
        await asyncio.wait_for(arms[0].arrived.wait(), 10)
        program.process.send_signal(signal.SIGTERM)
        await program.event("draining")
        ready = await get(session, f"{admin}/readyz")
        arms[0].hold.set()
        answer = await asking
        stopped = await program.event("stopped")
        code = await program.process.wait()

    assert (ready[0], ready[1]["reason"]) == (503, "the gateway is draining")
    assert answer == (200, ANSWER)
    assert (code, stopped["requests"]) == (0, 1)


async def test_a_second_signal_ends_it_at_once(arms: tuple[Upstream, Upstream], tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    arms[0].hold.clear()
    async with running(config) as (program, data, _, session):
        asking = spawn(ask(session, data), name="ask")
        await asyncio.wait_for(arms[0].arrived.wait(), 10)
        program.process.send_signal(signal.SIGTERM)
        await program.event("draining")
        program.process.send_signal(signal.SIGTERM)

        assert await program.process.wait() == -signal.SIGTERM
        await cancel(asking)


async def test_readiness_follows_the_baseline_and_not_the_candidate(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    async with running(config) as (_, _, admin, session):
        await arms[1].server.close()
        before = await get(session, f"{admin}/readyz")
        await arms[0].server.close()
        after = await until(session, f"{admin}/readyz", status="not ready")
        alive = await get(session, f"{admin}/healthz")

    assert before == (200, {"status": "ready", "gateways": {"accepting": 1, "of": 1}})
    assert "the baseline cannot be reached" in after["reason"]
    assert alive == (200, {"status": "ok"})


async def test_a_bad_config_is_refused_whole_with_code_2(tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.yaml", "nowhere", "http://a:1", mirror={"smaple": 1})
    program = await start("run", config)
    out, err = await program.process.communicate()

    assert program.process.returncode == 2
    assert out == b""
    assert b"2 problems" in err
    assert b"baseline.url" in err
    assert b"mirror.smaple" in err


@pytest.mark.parametrize("key", ["listen", "admin"])
async def test_a_port_that_is_taken_is_named_with_code_1(
    arms: tuple[Upstream, Upstream], tmp_path: Path, key: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        value = address if key == "listen" else {"listen": address}
        config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url, **{key: value})
        program = await start("run", config)
        _, err = await program.process.communicate()

    assert program.process.returncode == 1
    assert f"listen: cannot listen on {address}".encode() in err


async def test_it_refuses_to_start_without_aiohttps_c_parser(
    arms: tuple[Upstream, Upstream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIOHTTP_NO_EXTENSIONS", "1")
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    program = await start("run", config)
    _, err = await program.process.communicate()

    assert program.process.returncode == 1
    assert b"C parser" in err


async def test_a_sighup_before_it_serves_is_heeded_once_it_does(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = tmp_path / "c.yaml"
    good = write_config(tmp_path / "good.yaml", arms[0].url, arms[1].url)
    text = good.read_bytes()
    os.mkfifo(config)
    program = await start("run", config)
    writing = await asyncio.to_thread(config.open, "wb")  # returns once the program reads it
    try:
        good.replace(config)
        program.process.send_signal(signal.SIGHUP)
        with writing:
            writing.write(text)
        await program.event("serving")
        assert (await program.event("configuration read"))["changed"] is False
    finally:
        program.process.kill()
        await program.process.communicate()


async def test_what_libraries_log_keeps_the_form_and_quotes_no_request(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    async with running(config) as (program, _, admin, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(admin.rpartition(":")[2]))
        writer.write(b"GET /ledger HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\x01\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.0 400 ")
        writer.close()
        told = await program.event("Error handling request from %s")
        program.process.terminate()
        await program.event("stopped")
    assert (told["library"], told["level"], told["error"]) == ("aiohttp.server", "error", "BadHttpMessage")
    assert all(set(line) > {"event", "level", "timestamp"} for line in program.lines)
    assert "s3cret" not in str(program.lines)
