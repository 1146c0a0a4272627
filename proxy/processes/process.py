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
from types import MappingProxyType

import orjson
import structlog

from proxy.config import Config
from proxy.counters import Block
from proxy.counters.shelf import Shared, unshelved
from proxy.offer import Offer
from proxy.offer import loads as loads_offer
from proxy.processes.line import Kind, Line
from proxy.report import PAIRED, Mark, Message, Report, ReportError, loads, loads_mark

START_TIMEOUT = 30.0
"""Seconds until a gateway process must listen."""

_log = structlog.get_logger(__name__)


class LostError(Exception):
    """The process ended, or was killed, before it listened."""


class GatewayProcess:
    """A running process. Use `start`; `ended` must be awaited in the end."""

    def __init__(
        self,
        process: Process,
        block: Block,
        on_message: Callable[[Message], None],
        on_offer: Callable[[Offer], None] = lambda _: None,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        self.block = block
        """Its counts, which outlive it."""
        self.forget = forget
        """Called once they are accounted for."""
        self.name = ""
        """What it calls itself in its messages, once there has been one."""
        self.reports = 0
        """How many pairs it has told of."""
        self.waiting: dict[tuple[str, str], Report] = {}
        """By pair and analyzer, first reports to which a further one has still to come."""
        self._process = process
        self._on_message = on_message
        self._on_offer = on_offer
        self._line = Line(self._told, self._cut)
        self._listens: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()
        self._began = time.monotonic()

    @classmethod
    async def start(
        cls,
        number: int,
        config: Config,
        environ: Mapping[str, str],
        on_message: Callable[[Message], None],
        weight: tuple[float, float | None],
        *,
        on_offer: Callable[[Offer], None] = lambda _: None,
        floors: Mapping[str, float] = MappingProxyType({}),
        share: Callable[[], Shared] = unshelved,
    ) -> GatewayProcess:
        """Start a process, with this weight and these floors (see `weigh` and `admit`), and wait until it listens.

        `share` gives the memory for its counts. Raises LostError.
        """
        counts, forget = share()
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
            made = cls(process, Block(counts), on_message, on_offer, forget)
        except BaseException:
            ours.close()
            forget()
            raise
        finally:
            theirs.close()
            os.close(counts)
        try:
            await asyncio.get_running_loop().create_connection(lambda: made._line, sock=ours)
            made.tell(config)
            made.weigh(*weight)
            made.admit(floors)
            listens = await asyncio.wait_for(made._listens, START_TIMEOUT)
        except TimeoutError:
            listens = False
        except BaseException:
            made.kill()
            await process.wait()
            forget()
            raise
        if not listens:
            made.kill()
            await made.ended()
            forget()
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

    def weigh(self, weight: float, valid: float | None) -> None:
        """Have it give the candidate this share of sessions; see `Plane.weigh`."""
        self._line.send(Kind.WEIGHT, orjson.dumps((weight, valid)))

    def admit(self, floors: Mapping[str, float]) -> None:
        """Have it offer the cases whose ranks exceed these; see `Plane.admit`."""
        self._line.send(Kind.FLOORS, orjson.dumps(dict(floors)))

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
            try:
                report = loads(body)
                self._note(report)
                self._take(report, report.mark)
            except ReportError as error:
                _log.error("report not taken", error=str(error), pid=self.pid)
        elif kind is Kind.OFFER:
            try:
                self._on_offer(loads_offer(body))
            except ReportError as error:
                _log.error("case not taken", error=str(error), pid=self.pid)
        elif kind is Kind.MARK:
            try:
                mark = loads_mark(body)
                self._take(mark, mark)
            except ReportError as error:
                _log.error("mark not taken", error=str(error), pid=self.pid)

    def _take(self, message: Message, mark: Mark) -> None:
        self.name = mark.process
        self._on_message(message)

    def _note(self, report: Report) -> None:
        """Keep account of what has still to come."""
        if report.further:
            for analyzer in report.analyses:
                self.waiting.pop((report.pair_id, analyzer), None)
        elif report.state in PAIRED:
            self.reports += 1
            self.waiting.update({(report.pair_id, analyzer): report for analyzer in report.waiting})

    def _cut(self) -> None:
        self._closed.set()
        if not self._listens.done():
            self._listens.set_result(False)
