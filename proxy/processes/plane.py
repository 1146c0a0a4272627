"""The data plane of one process: a gateway, and the analyzer processes that score its pairs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from proxy.address import Address
from proxy.config import Config
from proxy.gateway import Gateway, Ledger
from proxy.processes.status import Gateways
from proxy.report import Report
from proxy.telemetry import Telemetry
from proxy.workers.pool import WorkerPool

SCORING_GRACE = 10.0
"""Seconds that pairs already captured have to be scored once the gateway has drained."""

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
    """A gateway and its analyzer processes. `on_report` is given every report, on the event loop."""

    def __init__(
        self, config: Config, telemetry: Telemetry, ledger: Ledger, on_report: Callable[[Report], None]
    ) -> None:
        self._config = config
        self.pool = WorkerPool(config.analysis, telemetry, on_report)
        self.gateway = Gateway(config, telemetry, ledger, self.pool)
        self._accepting = self._draining = False

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
        await self.pool.start()
        await listen(self.gateway.start(shared_port=shared_port), "listen", self._config.listen)
        self._accepting = True

    def reload(self, config: Config) -> None:
        """Apply a checked configuration to the requests that begin from now on."""
        self.gateway.reload(config)

    async def stop(self) -> None:
        """Drain: accepted requests finish, captured pairs are scored. Safe to call twice, and without `start`."""
        self._accepting, self._draining = False, True
        await self.gateway.stop()
        try:
            await asyncio.wait_for(self.pool.drain(), SCORING_GRACE)
        except TimeoutError:
            _log.warning("pairs left unscored", **self.pool.statistics())
        await self.pool.stop()
