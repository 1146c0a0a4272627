"""`slipgauge run` as a process of its own, as an operator starts it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson
import yaml


class Program:
    """One running `slipgauge`. Its JSON log lines are read as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def event(self, name: str) -> dict[str, Any]:
        """The next log line of this event. Fails where the program ends first."""
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.lines.append(orjson.loads(line) if line.startswith(b"{") else {"event": line.decode()})
            if self.lines[-1]["event"] == name:
                return self.lines[-1]
        raise AssertionError(f"ended without {name!r}: {self.lines}")


async def start(*arguments: str | Path) -> Program:
    """Start `slipgauge` with these arguments."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from proxy.cli import main; main()", *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Program(process)


def write_config(path: Path, baseline: str, candidate: str, /, **changes: Any) -> Path:
    """A configuration on free ports that mirrors everything, whatever it costs."""
    unbounded = {"tokens_per_second": None, "waiting": None, "kv_usage": None}
    tree = {
        "listen": "127.0.0.1:0",
        "admin": {"listen": "127.0.0.1:0"},
        "baseline": {"url": baseline, "extra": {**unbounded}},
        "candidate": {"url": candidate, "extra": {**unbounded}},
        "gateway": {"shed_lag": 60.0},
        "models": {"m": {}},
        "mirror": {"sample": 1.0, "repeat": 0.0, "in_flight": 512},
        "clients": {"sessions": 0},
        "analysis": {"budget": 20.0},
        "log": {"format": "json"},
    }
    path.write_text(yaml.safe_dump(tree | changes))
    return path
