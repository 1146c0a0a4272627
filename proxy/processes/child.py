"""A gateway process: `python -P -m proxy.processes.child NUMBER PARENT LINE BLOCK`, the last two descriptors.

Its parent tells it by the line what to do. Signals are the parent's affair: a terminal or a service manager sends
them to every process. It ends when it has drained, and at once when its parent does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import orjson
import structlog
import uvloop

from proxy import logs
from proxy.config import Config
from proxy.counters import Block
from proxy.gateway import Ledger
from proxy.offer import Offer
from proxy.offer import dumps as dumps_offer
from proxy.processes import heap
from proxy.processes.line import MAX_UNSENT, Kind, Line
from proxy.processes.orphans import die_with_parent
from proxy.processes.plane import Plane, StartError
from proxy.report import PAIRED, Mark, Message, dumps
from proxy.telemetry import Telemetry

UNSENT_BEFORE_A_CASE = MAX_UNSENT // 4
"""Bytes that may wait on the line when a case joins them: reports have the rest to themselves."""

_log = structlog.get_logger(__name__)


def main() -> None:
    """Serve until told to drain."""
    number, parent, line, block = map(int, sys.argv[1:5])
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    die_with_parent(parent)
    structlog.contextvars.bind_contextvars(gateway=number)
    sys.exit(uvloop.run(_serve(socket.socket(fileno=line), Block(block))))


async def _serve(line: socket.socket, block: Block) -> int:
    """Serve as the first configuration on the line says, until told to drain; the exit code."""
    child = _Child(Telemetry(block=block))
    await asyncio.get_running_loop().create_connection(lambda: child.line, sock=line)
    config = await child.config
    logs.configure(config.log)
    ledger = Ledger(child.telemetry)
    plane = child.plane = Plane(config, child.telemetry, ledger, child.publish, on_offer=child.offer)
    plane.weigh(*child.weight)
    plane.admit(child.floors)
    try:
        await plane.start(shared_port=True)
    except StartError as error:
        _log.error("gateway process cannot start", error=str(error))
        return 1
    heap.settle()
    child.line.send(Kind.READY)
    await child.draining.wait()
    await plane.stop()
    child.ending = True
    child.line.close()
    await child.closed.wait()
    return 0


class _Child:
    """What the line says, and what is said on it."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self._full = telemetry.queue_dropped.labels("channel")
        self._case_full = telemetry.case_offers.labels("dropped_channel")
        self.line = Line(self._told, self._cut_off)
        self.config: asyncio.Future[Config] = asyncio.get_running_loop().create_future()
        self.plane: Plane | None = None
        self.weight: tuple[float, float | None] = (0.0, None)
        self.floors: dict[str, float] = {}
        self.draining = asyncio.Event()
        self.ending = False
        self.closed = asyncio.Event()

    def publish(self, message: Message) -> None:
        """Send a message; a report is counted where control does not keep up."""
        if isinstance(message, Mark):
            self.line.offer(Kind.MARK, orjson.dumps(tuple(message)))
        elif not self.line.offer(Kind.REPORT, dumps(message)) and message.state in PAIRED:
            self._full.inc()

    def offer(self, offer: Offer) -> None:
        """Send a case where that delays no report; it is counted where it does not go."""
        if not self.line.offer(Kind.OFFER, dumps_offer(offer), UNSENT_BEFORE_A_CASE):
            self._case_full.inc()

    def _told(self, kind: Kind, body: bytes) -> None:
        if kind is Kind.DRAIN:
            self.draining.set()
        elif kind is Kind.WEIGHT:
            self.weight = orjson.loads(body)
            if self.plane is not None:
                self.plane.weigh(*self.weight)
        elif kind is Kind.FLOORS:
            self.floors = orjson.loads(body)
            if self.plane is not None:
                self.plane.admit(self.floors)
        elif kind is Kind.CONFIG:
            config = Config.model_validate_json(body)
            if not self.config.done():
                self.config.set_result(config)
            elif self.plane is not None and not self.draining.is_set():
                self._reload(self.plane, config)

    def _reload(self, plane: Plane, config: Config) -> None:
        try:
            plane.reload(config)
        except Exception as error:  # such as a certificate that has gone since the parent checked it
            _log.error("configuration not applied", error=str(error))

    def _cut_off(self) -> None:
        if not self.ending:
            os._exit(1)  # the parent is gone; our own children follow us as we follow it
        self.closed.set()


if __name__ == "__main__":
    main()
