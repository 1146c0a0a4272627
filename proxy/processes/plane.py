"""The data plane of one process: a gateway, and the analyzer processes that score its pairs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import structlog

from proxy.address import Address
from proxy.config import Config
from proxy.gateway import Gateway, Ledger
from proxy.offer import Offer
from proxy.probes import Prober
from proxy.processes import turns
from proxy.processes.status import Gateways
from proxy.report import ENDED, Mark, Message, Report
from proxy.telemetry import Telemetry
from proxy.workers.pool import WorkerPool

if TYPE_CHECKING:
    from proxy.tracing.tracer import Tracer

SCORING_GRACE = 10.0
"""Seconds that pairs already captured have to be scored once the gateway has drained."""
BEAT = 0.1
"""Seconds between two marks that no report carries."""
APART = 10_000_000
"""Nanoseconds that a mark must be ahead of the last one for a report to carry it: with each, control puts in order
what it has been told, and few at once are cheaper than one."""

_log = structlog.get_logger(__name__)


class StartError(Exception):
    """The deployment cannot start, for a reason its operator can mend."""


async def listen(starting: Awaitable[None], key: str, address: str) -> None:
    """Await a listener's start, and say in the operator's words why it cannot. Raises StartError."""
    try:
        await starting
    except OSError as error:
        raise StartError(f"{key}: cannot listen on {address}: {error.strerror or error}") from error


class Plane:
    """A gateway and its analyzer processes.

    `on_message` is given every report, and several times a second how far it has told, on the event loop;
    `on_offer` every case that the pool may take.

    `salt` keys the hashes of sessions; the one that the operator named, or a random one, where it is None.
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
    ) -> None:
        self._config = config
        shares = {name: probes.share for name, probes in config.probes.items()}
        self.pool = WorkerPool(
            config.analysis, telemetry, self._tell, shares, keeping=config.cases, on_offer=on_offer
        )
        self.gateway = Gateway(config, telemetry, ledger, self.pool, salt.encode() if salt else None)
        self._tracer = self._traced(config, telemetry)
        self._prober = Prober(config, self.gateway.arms, telemetry, self._tracer)
        self._accepting = self._draining = False
        self._on_message = on_message
        self._beat: asyncio.TimerHandle | None = None
        self._marked = 0
        """The last mark that was told."""

    @property
    def address(self) -> Address:
        """Where clients send requests; after `start` with the real port where 0 was asked for."""
        return self.gateway.address

    @property
    def gateways(self) -> Gateways:
        """How many accept requests."""
        return Gateways(int(self._accepting), 1, draining=self._draining)

    async def start(self, *, shared_port: bool = False) -> None:
        """Start, the data port last; `shared_port` where other processes listen on it too. Raises StartError."""
        turns.ask_for_short()
        await self.pool.start(self._prober)
        if self._tracer is not None:
            self._tracer.start()
        self._mark()
        await listen(self.gateway.start(shared_port=shared_port), "listen", self._config.listen)
        self._accepting = True

    def weigh(self, weight: float, valid: float | None) -> None:
        """See `Gateway.set_candidate_weight`."""
        self.gateway.set_candidate_weight(weight, valid)

    def admit(self, floors: Mapping[str, float]) -> None:
        """By stratum of the case pool, what a pair's rank must exceed from now on."""
        self.pool.floors.set(floors)

    def reload(self, config: Config) -> None:
        """Apply a checked configuration to the requests that begin from now on."""
        self.gateway.reload(config)
        self._prober.follow(config)

    async def stop(self) -> None:
        """Drain: accepted requests finish, captured pairs are scored. Safe to call twice, and without `start`."""
        self._accepting, self._draining = False, True
        await self.gateway.stop()
        try:
            await asyncio.wait_for(self.pool.drain(), SCORING_GRACE)
        except TimeoutError:
            _log.warning("pairs left unscored", **self.pool.statistics())
        await self.pool.stop()
        if self._tracer is not None:
            await self._tracer.stop()
        if self._beat is not None:
            self._beat.cancel()
            self._on_message(Mark(self.gateway.arrivals.process, ENDED))

    def _traced(self, config: Config, telemetry: Telemetry) -> Tracer | None:
        """What traces this gateway's pairs, where that is switched on; nothing of it is loaded otherwise."""
        if config.tracing.endpoint is None:
            return None
        from proxy.tracing.tracer import Tracer  # noqa: PLC0415 - it needs a package that others need not have

        tracer = Tracer(config, telemetry, self.gateway.arrivals.process)
        self.gateway.trace(tracer)
        return tracer

    def _tell(self, report: Report) -> None:
        """Pass a report on, with how far all has been told with it where that is news."""
        arrivals = self.gateway.arrivals
        if not report.further:
            arrivals.leave(report.arrival)
        low = arrivals.low()
        if low - self._marked >= APART:
            self._marked = low
            report = report._replace(mark=Mark(arrivals.process, low))
        self._on_message(report)
        if self._tracer is not None:
            self._tracer.told(report)

    def _mark(self) -> None:
        """Say how far all has been told, now and regularly: a request may leave without a report."""
        arrivals = self.gateway.arrivals
        self._marked = arrivals.low()
        self._on_message(Mark(arrivals.process, self._marked))
        self._beat = asyncio.get_running_loop().call_later(BEAT, self._mark)
