"""One analyzer process as its parent sees it: started, given a task, killed when it overruns."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import orjson

from analyzers.finding import Analyzer
from proxy.workers import wire
from proxy.workers.cell import IDLE, Cell, make

START_TIMEOUT = 30.0
"""Seconds until a child must have loaded its analyzers."""
KILL_TIMEOUT = 2.0
"""Seconds until a killed child is left to itself: a process that it put out of reach may hold its pipe open."""
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TZ")
"""All that a child sees of the environment: no key of any arm is in it."""


class LostError(Exception):
    """The child is gone, or was killed, before it had answered."""

    def __init__(self, kind: str, stage: int = IDLE) -> None:
        super().__init__(kind)
        self.kind = kind
        """"overran", "crashed", "garbage" or "start"."""
        self.stage = stage
        """What it was doing; see `cell`."""


class Child:
    """A running child. Use `start`; after LostError, or when done, `kill`."""

    def __init__(self, process: Process, cell: Cell, budget: float) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a child needs pipes both ways")
        self._process = process
        self._to = process.stdin
        self._from = process.stdout
        self._cell = cell
        self._budget = budget
        self._overran = False
        self._watcher: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, analyzers: Sequence[str], budget: float, memory_bytes: int) -> Child:
        """Start a process and wait until it has loaded `analyzers`. Raises LostError("start")."""
        shared = make()
        try:
            cpu_seconds = budget * (len(analyzers) + 1)
            settings = wire.Settings(tuple(analyzers), memory_bytes, cpu_seconds, shared)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "proxy.workers.child", orjson.dumps(asdict(settings)).decode()),
                stdin=PIPE,
                stdout=PIPE,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                pass_fds=(shared,),
                start_new_session=True,  # a Ctrl-C for the gateway is not for its children; killed as a group
            )
            child = cls(process, Cell(shared), budget)
        finally:
            os.close(shared)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                ready = await child._receive() == b"ready"
        except (TimeoutError, EOFError, wire.GarbageError):
            ready = False
        except BaseException:
            await child.kill()
            raise
        if not ready:
            await child.kill()
            raise LostError("start")
        return child

    async def score(self, task: wire.Task, analyzers: Mapping[str, Analyzer]) -> wire.Result:
        """The child's answer. Raises LostError; the child is then of no more use."""
        self._cell.write(IDLE)
        sent = time.monotonic()
        self._watch(sent, len(task.analyzers))
        try:
            self._to.write(wire.frame(wire.pack(task)))
            await self._to.drain()
            return wire.result(await self._receive(), task, analyzers)
        except wire.GarbageError as error:
            raise LostError("garbage", self._stage(sent, task)) from error
        except (EOFError, OSError) as error:
            raise LostError("overran" if self._overran else "crashed", self._stage(sent, task)) from error
        finally:
            if self._watcher is not None:
                self._watcher.cancel()

    async def kill(self) -> None:
        """End the process and its group at once, and wait until they are gone, at most KILL_TIMEOUT."""
        self._signal()
        self._to.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILL_TIMEOUT):
                while await self._from.read(1 << 16):
                    pass  # what it still wrote is of no interest, but an unread pipe never closes
                await self._process.wait()
        self._cell.close()

    def _watch(self, sent: float, stages: int) -> None:
        """Kill the child where its current stage, or the whole task, has had its time; else look again later."""
        now = time.monotonic()
        _, began = self._cell.read(sent, stages)
        left = min(began + self._budget, sent + self._budget * (stages + 1)) - now
        if left > 0:
            loop = asyncio.get_running_loop()
            self._watcher = loop.call_later(left + 0.001, self._watch, sent, stages)
        else:
            self._overran = True
            self._signal()

    def _signal(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _stage(self, sent: float, task: wire.Task) -> int:
        stage, _ = self._cell.read(sent, len(task.analyzers))
        return stage

    async def _receive(self) -> bytes:
        """One frame. Raises GarbageError, or EOFError where the child closed its end."""
        head = await self._from.readexactly(wire.LENGTH.size)
        (length,) = wire.LENGTH.unpack(head)
        if length > wire.MAX_ANSWER:
            raise wire.GarbageError("too long")
        return await self._from.readexactly(length)
