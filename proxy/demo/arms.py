"""The two model servers, as processes of their own: started, watched, and stopped by their own process ids."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from proxy.tasks import cancel, spawn

T = TypeVar("T")

MODEL = "slipgauge-tiny"
TESTBED = Path(__file__).parents[2] / "testbed"
MODELS = TESTBED / "models"
READY_TIMEOUT = {"embedded": 60.0, "vllm": 1_200.0}
"""Seconds until `/health` must answer; vLLM loads torch first."""
STOP_TIMEOUT = 10.0
LOG_LINES = 15

# Two servers share two cores with the gateway, so each multiplies its matrices on one thread.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ArmError(Exception):
    """A server that does not start, or ended while it was needed. The message holds the end of its log."""


@dataclass(frozen=True)
class Server:
    """One server that runs."""

    name: str
    url: str
    log: Path
    process: asyncio.subprocess.Process

    async def died(self) -> ArmError:
        """Wait until the process ends, and say how. Cancelling only stops the wait."""
        code = await self.process.wait()
        tail = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return ArmError("\n  ".join((f"the {self.name}'s server ended with {code}; its last words:", *tail)))


def command(engine: str, model: Path, port: int) -> list[str]:
    """The command line that serves `model` on a loopback port under the name `MODEL`; it ends with this process."""
    ours = (sys.executable, "-m", "proxy.processes.orphans", str(os.getpid()), sys.executable, "-m")
    where = ("--port", str(port), "--served-model-name", MODEL)
    if engine == "vllm":
        return [*ours, "testbed.vllm_server", str(model), *where]
    return [*ours, "testbed.engine", str(model), *where]


@asynccontextmanager
async def serving(engine: str, models: Mapping[str, Path], logs: Path) -> AsyncIterator[tuple[Server, ...]]:
    """Serve each named model until the block is left, on free ports of loopback. Raises ArmError.

    The servers start together. Leaving the block, by an error or cancellation too, ends them all.
    """
    for name, model in models.items():
        if not model.is_dir():
            raise ArmError(f"the {name}'s model is not there: {model}")
    servers: list[Server] = []
    try:
        for (name, model), port in zip(models.items(), _free_ports(len(models)), strict=True):
            servers.append(await _start(name, command(engine, model, port), port, logs / f"{name}.log"))
        await while_alive(servers, _ready(servers, READY_TIMEOUT[engine]))
        yield tuple(servers)
    finally:
        await asyncio.gather(*(_stop(server.process) for server in servers))


async def while_alive(servers: Iterable[Server], work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is given up as soon as one of the servers ends. Raises ArmError for that."""
    task = spawn(work, name="demo-work")
    watches = [spawn(server.died(), name=f"watch-{server.name}") for server in servers]
    try:
        await asyncio.wait((task, *watches), return_when=asyncio.FIRST_COMPLETED)
        for watch in watches:
            if watch.done() and not task.done():
                raise watch.result()
        return await task
    finally:
        await cancel(task, *watches)


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, all different, since they are held together while they are chosen."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


async def _start(name: str, line: list[str], port: int, log: Path) -> Server:
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *line,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=TESTBED.parent,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # Ctrl-C is ours to handle: the servers end after the gateway
        )
    return Server(name, f"http://127.0.0.1:{port}", log, process)


async def _ready(servers: Iterable[Server], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            for server in servers:
                while not await _healthy(session, server.url):  # noqa: ASYNC110 - another process tells no event
                    await asyncio.sleep(0.1)
    except TimeoutError:
        raise ArmError(f"the servers are not ready after {seconds:g} s") from None


async def _healthy(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/health") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
    # Whatever is left of its session, such as vLLM's engine, which is a child of its own.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
