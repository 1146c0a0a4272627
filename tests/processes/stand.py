"""A running program, its gateway processes and a client for its admin port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.cli.program import Program, start

AGAIN = 0.02
"""Seconds between two questions: whoever is asked without a pause gets to nothing else."""


class Running:
    """A program with its gateway processes, and a client for its admin port."""

    def __init__(self, program: Program, serving: dict[str, Any], session: aiohttp.ClientSession) -> None:
        self.program = program
        self.port = int(serving["listen"].rpartition(":")[2])
        self.gateways = {line["gateway"]: line["pid"] for line in program.lines if "pid" in line}
        self._admin = f"http://{serving['admin']}"
        self._session = session

    async def get(self, path: str) -> Any:
        async with self._session.get(self._admin + path) as response:
            return await response.json()

    async def post(self, path: str, **body: Any) -> Any:
        async with self._session.post(self._admin + path, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def until(self, path: str, **expected: Any) -> Any:
        """Ask until the answer holds these values; the test's own timeout ends it."""
        while True:
            told = await self.get(path)
            if expected.items() <= told.items():
                return told
            await asyncio.sleep(AGAIN)

    async def until_metric(self, series: str, value: float) -> None:
        """Ask until a series has this value."""
        while await self.metric(series) != value:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(AGAIN)

    async def metrics(self, prefix: str) -> dict[str, float]:
        """Every series whose name and labels begin so."""
        async with self._session.get(self._admin + "/metrics") as response:
            lines = [line.rpartition(" ") for line in (await response.text()).splitlines()]
        return {series: float(value) for series, _, value in lines if series.startswith(prefix)}

    async def metric(self, series: str) -> float | None:
        return (await self.metrics(series)).get(series)


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[Running]:
    program = await start("run", config)
    try:
        serving = await program.event("serving")
        async with aiohttp.ClientSession() as session:
            yield Running(program, serving, session)
    finally:
        if program.process.returncode is None:
            program.process.kill()
        await program.process.communicate()


def children(pid: int) -> list[int]:
    """The processes that this one has started and that have not been waited for."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
