"""Several gateway processes on one port, each replaced when it dies, with what it left in the ledger accounted for.

The kernel spreads connections over the processes that listen (SO_REUSEPORT, socket(7)): one that has died is out of
it at once, and only the connections it had are lost. The parent holds the port, without listening, so that it is
theirs alone while none of them does.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Mapping

import structlog

from proxy.address import Address, parse_address
from proxy.config import Config
from proxy.counters.shelf import Shared, unshelved
from proxy.gateway import Ledger
from proxy.gateway.ledger import HAS_PAIR
from proxy.offer import Offer
from proxy.processes.backoff import Backoff
from proxy.processes.plane import SCORING_GRACE, StartError
from proxy.processes.process import GatewayProcess, LostError
from proxy.processes.status import Gateways
from proxy.report import ENDED, Mark, Message, unanswered
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

SALT_ENV = "SLIPGAUGE_SESSION_SALT"
"""Carries a salt to every process where the operator named none: a session is the same to all of them."""
HUNG = 30.0
"""Seconds for which a process's event loop may stand still; one that is seen so is killed, and replaced."""
STOP_GRACE = 5.0
"""Seconds beyond draining and scoring until a process is killed."""

_log = structlog.get_logger(__name__)


def reserve(address: Address) -> socket.socket:
    """Bind the port so that only sockets that share it can listen there. Raises OSError where it is taken.

    Bound before it is shared, so that another deployment's shared port counts as taken.
    """
    family, kind, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    held = socket.socket(family, kind)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(where)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except BaseException:
        held.close()
        raise
    return held


class Fleet:
    """Gateway processes, `config.gateway.workers` of them.

    `on_message` is given what all of them tell, `on_offer` the cases that the pool may take.

    `salt` keys the hashes of sessions; the one that the operator named, or a random one, where it is None. `share`
    gives the memory in which each counts.
    """

    def __init__(
        self,
        config: Config,
        telemetry: Telemetry,
        ledger: Ledger,
        on_message: Callable[[Message], None],
        salt: str | None = None,
        *,
        on_offer: Callable[[Offer], None] = lambda _: None,
        share: Callable[[], Shared] = unshelved,
    ) -> None:
        self.address = parse_address(config.listen)
        self._config = config
        self._telemetry = telemetry
        self._ledger = ledger
        self._on_message = on_message
        self._on_offer = on_offer
        self._share = share
        self._floors: Mapping[str, float] = {}
        self._environ = {**os.environ, SALT_ENV: salt or secrets.token_hex(32)}
        self._held: socket.socket | None = None
        self._processes: dict[int, GatewayProcess] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._draining = False
        self._weight: tuple[float, float | None] = 0.0, None
        self._unheard = telemetry.queue_dropped.labels("process")

    @property
    def gateways(self) -> Gateways:
        """How many accept requests, of how many."""
        gateways = Gateways(len(self._processes), self._config.gateway.workers)
        return gateways.left() if self._draining else gateways

    async def start(self) -> None:
        """Start every process. Raises StartError; `stop` ends those that run."""
        try:
            self._held = reserve(self.address)
        except OSError as error:
            where = self._config.listen
            raise StartError(f"listen: cannot listen on {where}: {error.strerror or error}") from error
        self.address = Address(self.address.host, self._held.getsockname()[1])
        self._config = self._as_told(self._config)
        numbers = range(self._config.gateway.workers)
        began = await asyncio.gather(*map(self._begin, numbers), return_exceptions=True)
        if any(isinstance(each, BaseException) for each in began):
            raise StartError("gateway.workers: a gateway process did not start; the lines above say why")
        self._keepers = [spawn(self._keep(number), name="gateway-keeper") for number in numbers]

    async def stop(self) -> None:
        """Have every process finish what it accepted; kill those that take too long. Safe to call twice."""
        self._draining = True
        await cancel(*self._keepers)
        processes = dict(self._processes)
        for process in processes.values():
            process.drain()
        ended = asyncio.gather(*(process.ended() for process in processes.values()))
        try:
            await asyncio.wait_for(asyncio.shield(ended), self._config.limits.drain + SCORING_GRACE + STOP_GRACE)
        except TimeoutError:
            for process in processes.values():
                process.kill()
            await ended
        for number in processes:
            self._bury(number)
        if self._held is not None:
            self._held.close()
            self._held = None

    def weigh(self, weight: float, valid: float | None) -> None:
        """See `Plane.weigh`: every process, and those that will replace them."""
        self._weight = weight, valid
        for process in self._processes.values():
            process.weigh(weight, valid)

    def admit(self, floors: Mapping[str, float]) -> None:
        """See `Plane.admit`: every process, and those that will replace them."""
        self._floors = floors
        for process in self._processes.values():
            process.admit(floors)

    def reload(self, config: Config) -> None:
        """Have every process, and those that will replace them, apply a checked configuration."""
        self._config = self._as_told(config)
        for process in self._processes.values():
            process.tell(self._config)

    def _as_told(self, config: Config) -> Config:
        """The configuration as the processes get it: with the real port, and a salt that they share."""
        session = config.session
        if session.salt_env is None:
            session = session.model_copy(update={"salt_env": SALT_ENV})
        return config.model_copy(update={"listen": str(self.address), "session": session})

    async def _keep(self, number: int) -> None:
        """Wait until the process ends, and replace it, for ever."""
        backoff = Backoff()
        while True:
            lived = 0.0
            if (process := self._processes.get(number)) is not None:
                code = await self._watched(process)
                lived = process.lived
                lost = self._bury(number)
                _log.error("gateway process lost", gateway=number, code=code, requests_lost=lost)
                self._telemetry.gateway_restarts.inc()
            await asyncio.sleep(backoff.pause(lived))
            try:
                await self._begin(number)
            except LostError:
                _log.error("gateway process did not start", gateway=number)

    async def _watched(self, process: GatewayProcess) -> int:
        """Its return code, once it has ended; where its event loop stands still, it is made to."""
        before, ending = 0.0, spawn(process.ended(), name="gateway-ended")
        try:
            while not (await asyncio.wait((ending,), timeout=HUNG))[0]:
                # Each process looks many times a second how late its loop is, and counts that.
                looks = sum(sum(slots) for _, slots in self._telemetry.loop_lag.of(process.block))
                if looks == before:
                    _log.error("gateway process hangs", pid=process.pid, seconds=HUNG)
                    process.kill()
                before = looks
            return ending.result()
        finally:
            await cancel(ending)

    async def _begin(self, number: int) -> None:
        given = self._weight
        process = await GatewayProcess.start(
            *(number, self._config, self._environ, self._on_message, given),
            on_offer=self._on_offer,
            floors=self._floors,
            share=self._share,
        )
        self._processes[number] = process
        if self._weight != given:
            process.weigh(*self._weight)
        self._telemetry.blocks.append(process.block)
        _log.info("gateway process serving", gateway=number, pid=process.pid)

    def _bury(self, number: int) -> int:
        """Account for a process that has ended. Returns how many requests it left open."""
        process = self._processes.pop(number)
        telemetry, block = self._telemetry, process.block
        lost = self._ledger.lose(block)
        # Every pair worth scoring is told of in a report, or was counted as dropped, or is lost now.
        pairs = sum(count for (state, _), (count,) in telemetry.ledger.of(block) if state in HAS_PAIR)
        dropped = sum(count for _, (count,) in telemetry.queue_dropped.of(block))
        self._unheard.inc(pairs - process.reports - dropped)
        for (_, analyzer), report in process.waiting.items():
            self._on_message(unanswered(report, analyzer))
        if process.name:
            self._on_message(Mark(process.name, ENDED))
        telemetry.retire(block)
        process.forget()
        return lost
