"""Slipgauge as its users start it, before two given servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.demo.arms import MODEL
from tests.cli.program import start, write_config


@dataclass(frozen=True)
class Gateway:
    """Where the running `slipgauge run` listens."""

    url: str
    admin: str


@asynccontextmanager
async def running_gateway(folder: Path, baseline: str, candidate: str) -> AsyncIterator[Gateway]:
    """`slipgauge run` as a process of its own before the servers at these URLs, mirroring everything."""
    config = write_config(folder / "config.yaml", baseline, candidate, models={MODEL: {}})
    program = await start("run", config)
    try:
        serving = await program.event("serving")
        yield Gateway(f"http://{serving['listen']}", f"http://{serving['admin']}")
    finally:
        if program.process.returncode is None:
            program.process.terminate()
        await program.process.communicate()
