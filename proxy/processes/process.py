"""One gateway process as its parent sees it: started, told what to do, its reports taken, its counts kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping

import structlog

from proxy.config import Config
from proxy.counters import Block
from proxy.counters.block import share
from proxy.processes.line import Kind, Line
from proxy.report import Report, ReportError, loads

START_TIMEOUT = 30.0
"""Seconds until a gateway process must listen."""

_log = structlog.get_logger(__name__)


class LostError(Exception):
    """The process ended, or was killed, before it listened."""


class GatewayProcess:
    """A running process. Use `start`; `ended` must be awaited in the end."""

    def __init__(self, process: Process, block: Block, on_report: Callable[[Report], None]) -> None:
        self.block = block
        """Its counts, which outlive it."""
        self.reports = 0
        """How many it has sent."""
        self._process = process
        self._on_report = on_report
        self._line = Line(self._told, self._cut)
        self._listens: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()
        self._began = time.monotonic()

    @classmethod
    async def start(
        cls, number: int, config: Config, environ: Mapping[str, str], on_report: Callable[[Report], None]
    ) -> GatewayProcess:
        """Start a process and wait until it listens. Raises LostError."""
        counts = share()
        ours, theirs = socket.socketpair()
        try:
            arguments = (number, os.getpid(), theirs.fileno(), counts)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "proxy.processes.child", *map(str, arguments)),
                stdin=DEVNULL,
                env=environ,
                pass_fds=(theirs.fileno(), counts),
                start_new_session=True,  # a Ctrl-C for the parent is not for its children
            )
            made = cls(process, Block(counts), on_report)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(counts)
        try:
            await asyncio.get_running_loop().create_connection(lambda: made._line, sock=ours)
            made.tell(config)
            listens = await asyncio.wait_for(made._listens, START_TIMEOUT)
        except TimeoutError:
            listens = False
        except BaseException:
            made.kill()
            raise
        if not listens:
            made.kill()
            await made.ended()
            raise LostError
        return made

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lived(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._began

    def tell(self, config: Config) -> None:
        """Have it apply a configuration; its first one starts it."""
        self._line.send(Kind.CONFIG, config.model_dump_json().encode())

    def drain(self) -> None:
        """Have it finish what it accepted, then end."""
        self._line.send(Kind.DRAIN)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> int:
        """Wait until it has ended and all it said has been taken; its return code, negative for a signal."""
        code = await self._process.wait()
        await self._closed.wait()
        return code

    def _told(self, kind: Kind, body: bytes) -> None:
        if kind is Kind.READY and not self._listens.done():
            self._listens.set_result(True)
        elif kind is Kind.REPORT:
            self.reports += 1
            try:
                self._on_report(loads(body))
            except ReportError as error:
                _log.error("report not taken", error=str(error), pid=self.pid)

    def _cut(self) -> None:
        self._closed.set()
        if not self._listens.done():
            self._listens.set_result(False)
