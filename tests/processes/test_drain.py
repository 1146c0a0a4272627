from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from proxy.tasks import cancel, spawn
from tests.cli.program import Program, start, write_config
from tests.cli.upstream import Upstream
from tests.processes.load import REQUEST, Load
from tests.processes.stand import alive, children, running


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_under_load_loses_no_accepted_request(
    arms: tuple[Upstream, Upstream], tmp_path: Path, workers: int
) -> None:
    config = write_config(
        tmp_path / "c.yaml", arms[0].url, arms[1].url, gateway={"workers": workers, "shed_lag": 60.0}
    )
    async with running(config) as run:
        load = Load(run.port, keep=8, fresh=8)
        loading = spawn(load.run(), name="load")
        await load.answered(100)
        run.program.process.send_signal(signal.SIGTERM)
        await loading
        stopped = await run.program.event("stopped")
        code = await run.program.process.wait()

    assert load.outcomes == {"200": stopped["requests"]}
    assert code == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_while_it_drains_no_process_counts_as_accepting(
    arms: tuple[Upstream, Upstream], tmp_path: Path, workers: int
) -> None:
    config = write_config(
        tmp_path / "c.yaml", arms[0].url, arms[1].url, gateway={"workers": workers, "shed_lag": 60.0}
    )
    async with running(config) as run:
        arms[0].hold.clear()
        load = Load(run.port, keep=0, fresh=1)
        loading = spawn(load.run(), name="load")
        await asyncio.wait_for(arms[0].arrived.wait(), 10)
        load.stop()
        run.program.process.send_signal(signal.SIGTERM)
        await run.program.event("draining")
        told, counted = await run.get("/readyz"), await run.metric("slipgauge_gateway_processes")
        arms[0].hold.set()
        await loading

    assert told == {
        "status": "not ready",
        "reason": "the gateway is draining",
        "gateways": {"accepting": 0, "of": workers},
    }
    assert counted == 0
    assert load.outcomes == {"200": 1}


def executes(pid: int) -> bool:
    """Whether a process is past its fork, for whose end its parent waits with all else."""
    try:
        return b"proxy.processes.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return False


@asynccontextmanager
async def half_started(
    arms: tuple[Upstream, Upstream], folder: Path, port: int
) -> AsyncIterator[tuple[Program, asyncio.Task[int], int]]:
    """A program of which one gateway process serves; a request that waits in it, and the one that is not ready."""
    gateway = {"workers": 2, "shed_lag": 60.0}
    config = write_config(folder / "c.yaml", arms[0].url, arms[1].url, listen=f"127.0.0.1:{port}", gateway=gateway)
    arms[0].hold.clear()
    program = await start("run", config)
    late = 0
    try:
        while len(begun := list(filter(executes, children(program.process.pid)))) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        late = begun[1]
        os.kill(late, signal.SIGSTOP)
        await program.event("gateway process serving")
        async with aiohttp.ClientSession() as session:

            async def ask() -> int:
                headers = {"Content-Type": "application/json"}
                url = f"http://127.0.0.1:{port}/v1/chat/completions"
                async with session.post(url, data=REQUEST, headers=headers) as response:
                    await response.read()
                    return response.status

            asking = spawn(ask(), name="ask")
            await asyncio.wait_for(arms[0].arrived.wait(), 10)
            yield program, asking, late
            await cancel(asking)
    finally:
        if program.process.returncode is None:
            program.process.kill()
        if late and alive(late):
            os.kill(late, signal.SIGKILL)  # stopped so early, it does not follow its parent
        await program.process.communicate()


async def test_sigterm_before_every_process_serves_lets_accepted_requests_finish(
    arms: tuple[Upstream, Upstream], tmp_path: Path, unused_tcp_port: int
) -> None:
    async with half_started(arms, tmp_path, unused_tcp_port) as (program, asking, late):
        program.process.send_signal(signal.SIGTERM)
        await program.event("draining")
        arms[0].hold.set()
        status = await asking
        stopped = await program.event("stopped")
        code = await program.process.wait()

    assert (status, stopped["requests"], code) == (200, 1, 0)
    assert not alive(late)


async def test_a_second_signal_amid_the_start_ends_it_at_once(
    arms: tuple[Upstream, Upstream], tmp_path: Path, unused_tcp_port: int
) -> None:
    async with half_started(arms, tmp_path, unused_tcp_port) as (program, _, late):
        program.process.send_signal(signal.SIGTERM)
        await program.event("draining")
        program.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(ProcessLookupError):
            os.kill(late, signal.SIGKILL)  # it may hold the program's standard error, whose end is waited for

        assert await program.process.wait() == -signal.SIGTERM
