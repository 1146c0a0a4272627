"""One analyzer process as its parent sees it: started, sent tasks, killed when it overruns."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import cast

import orjson

from proxy import config, config_cases
from proxy.workers.answers import READY
from proxy.workers.cell import NOTHING, Cell, Doing, make
from proxy.workers.window import BYTES
from proxy.workers.wire import Settings

START_TIMEOUT = 30.0
"""Seconds until a child must have loaded its analyzers."""
KILL_TIMEOUT = 2.0
"""Seconds until a killed child is left to itself."""
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TZ")
"""All that a child sees of the environment: no key of any arm is in it."""


class Child(asyncio.Protocol):
    """A child, made by `start`. `kill` it when done; then `gone` waits until it is."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self.heard = 0.0
        """When it last said something, by the system's monotonic clock."""
        self._on_data = on_data
        self._on_end = on_end
        self._ready = asyncio.get_running_loop().create_future()
        self._cell: Cell | None = None
        self._process: Process | None = None
        self._killed = False

    @classmethod
    async def start(
        cls,
        analysis: config.Analysis,
        keeping: config_cases.Cases,
        shares: Mapping[str, float],
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> Child:
        """Start a process and wait until it has loaded its analyzers; cancelled, it leaves none behind.

        `on_data` is told all that it says from then on, `on_end`, once, that it is gone without having been killed.

        Raises:
            OSError: It could not be started, ended before it was ready, or was not ready in time.
        """
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BYTES)  # a full window in one write
        loop = asyncio.get_running_loop()
        with theirs:
            _, child = await loop.create_unix_connection(lambda: cls(on_data, on_end), sock=ours)
            try:
                await child.execute(analysis, keeping, shares, theirs.fileno())
                theirs.close()  # or the end of the child's would not be seen
                await child.ready()
            except BaseException:
                child.kill()
                await child.gone()
                raise
        return child

    async def execute(
        self, analysis: config.Analysis, keeping: config_cases.Cases, shares: Mapping[str, float], link: int
    ) -> None:
        """Start the process. `link` is a descriptor of its end of the socket pair. Raises OSError."""
        shared = make()
        try:
            golds = analysis.golds_file
            cpu_seconds = analysis.budget * (len(analysis.enabled) + 2)
            bounds = (analysis.memory_bytes, cpu_seconds)
            kept = (keeping.redactor, keeping.store_text)
            settings = Settings(analysis.enabled, *bounds, dict(shares), golds, shared, link, *kept)
            self._cell = Cell(shared)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "proxy.workers.child", orjson.dumps(asdict(settings)).decode()),
                stdin=DEVNULL,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                pass_fds=(shared, link),
                start_new_session=True,  # a Ctrl-C for the gateway is not for its children; killed as a group
            )
        finally:
            os.close(shared)

    @property
    def pid(self) -> int | None:
        """Its process id; None where it has not been started."""
        return None if self._process is None else self._process.pid

    async def ready(self) -> None:
        """Wait until it has loaded its analyzers. Raises OSError: it is gone, or START_TIMEOUT is over."""
        async with asyncio.timeout(START_TIMEOUT):
            await self._ready

    def send(self, buffers: Iterable[bytes]) -> None:
        """Pass bytes on, uncopied; what is sent ahead bounds them."""
        self._transport.writelines(buffers)

    def doing(self, numbers: range, stages: int) -> Doing:
        """What it does of the tasks `numbers`, each of `stages` analyzers; see `Cell.read`."""
        return self._cell.read(numbers, stages) if self._cell is not None else NOTHING

    def kill(self) -> None:
        """End the process and its group at once. Nothing more is heard of it."""
        if self._killed:
            return
        self._killed = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._transport.abort()
        if self._cell is not None:
            self._cell.close()
            self._cell = None

    async def gone(self) -> None:
        """Wait until the killed process has ended, at most KILL_TIMEOUT."""
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KILL_TIMEOUT):
                    await self._process.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.heard = time.monotonic()
        if self._killed:
            return
        if self._ready.done():
            self._on_data(data)
        elif data == READY:
            self._ready.set_result(None)
        else:
            self._ready.set_exception(ConnectionError("not ready"))

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._killed:
            return
        if self._ready.done():
            self._on_end()
        else:
            self._ready.set_exception(ConnectionError("gone"))
