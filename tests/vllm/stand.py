"""Slipgauge as its users start it, before two given servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.demo.arms import MODEL
from tests.cli.program import start, write_config


@dataclass(frozen=True)
class Gateway:
    """Where the running `slipgauge run` listens."""

    url: str
    admin: str


def patient(url: str) -> dict[str, Any]:
    """An arm's section: a machine that is busy makes servers late, and no pair may be lost for that."""
    return {
        "url": url,
        "extra": {"tokens_per_second": None, "waiting": None, "kv_usage": None},
        "health": {"every": 0.0},
        "ejection": {"failures": 1_000_000_000},
    }


@asynccontextmanager
async def running_gateway(folder: Path, baseline: str, candidate: str) -> AsyncIterator[Gateway]:
    """`slipgauge run` as a process of its own before the servers at these URLs, mirroring everything."""
    arms = {"baseline": patient(baseline), "candidate": patient(candidate)}
    mirror = {"sample": 1.0, "repeat": 0.0, "in_flight": 512, "deadline": 600.0}
    config = write_config(folder / "config.yaml", baseline, candidate, models={MODEL: {}}, mirror=mirror, **arms)
    program = await start("run", config)
    try:
        serving = await program.event("serving")
        yield Gateway(f"http://{serving['listen']}", f"http://{serving['admin']}")
    finally:
        if program.process.returncode is None:
            program.process.terminate()
        await program.process.communicate()
