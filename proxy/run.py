"""Everything of one deployment: gateways with their analyzers, channel, control and the admin port."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from aiohttp import http_parser, web

from proxy import logs
from proxy.address import Address, parse_address
from proxy.channel.memory import MemoryChannel
from proxy.config import Config
from proxy.control.admin import Admin
from proxy.control.control import Control
from proxy.control.readiness import Baseline
from proxy.gateway import Ledger
from proxy.gateway.ledger import HAS_PAIR
from proxy.processes import heap
from proxy.processes.fleet import Fleet
from proxy.processes.plane import Plane, StartError, listen
from proxy.processes.reload import Reloader
from proxy.processes.status import Gateways
from proxy.report import Report
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from proxy.tls import warnings

_log = structlog.get_logger(__name__)


def require_c_parser() -> None:
    """Refuse aiohttp's fallback parser in Python, whose leniency was behind several request-smuggling advisories.

    Raises StartError.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError(
            "aiohttp runs without its C parser; install a wheel for this platform and unset AIOHTTP_NO_EXTENSIONS"
        )


class Deployment:
    """Start it, serve, stop it. Cancelling `start` or `stop` leaves what has been started to a further `stop`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.telemetry = Telemetry()
        self.ledger = Ledger(self.telemetry)
        self.control = Control(config, self.telemetry, self.ledger, version("slipgauge"))
        self.channel = MemoryChannel(self.control.receive, self.telemetry)
        gateways = Plane if config.gateway.workers == 1 else Fleet
        self.plane: Plane | Fleet = gateways(config, self.telemetry, self.ledger, self._publish)
        self.config_status: Callable[[], dict[str, Any]] = dict
        """What `GET /stage` tells of the configuration file; nothing where there is none."""
        self._leaving = False
        self._baseline: Baseline | None = None
        self._runner: web.AppRunner | None = None
        self.admin_address = parse_address(config.admin.listen)

    @property
    def data_address(self) -> Address:
        """Where clients send requests; after `start` with the real port where 0 was asked for."""
        return self.plane.address

    @property
    def settled(self) -> bool:
        """Whether every request so far has its ledger state and every pair its report in control."""
        states = self.ledger.states()
        dropped = sum(count for (count,) in self.telemetry.queue_dropped.totals().values())
        return not states["open"] and self.control.tables.reports + dropped >= sum(
            states[state] for state in HAS_PAIR
        )

    async def start(self) -> None:
        """Start everything, the data port last. Raises StartError with nothing left running."""
        require_c_parser()
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a usual 1,024 is fewer than the clients allowed
        self.telemetry.gateways.set_function(lambda: self.plane.gateways.accepting)
        try:
            await self.channel.start()
            await self._start_admin()
            await self.plane.start()
        except BaseException:
            await self.stop()
            raise

    def turn_away(self) -> None:
        """Be ready no more, so that whoever looks at /readyz sends new requests elsewhere."""
        self._leaving = True

    async def stop(self) -> None:
        """Drain: accepted requests finish, captured pairs are scored, then the admin port closes."""
        await self.plane.stop()
        await self.channel.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._baseline is not None:
            await self._baseline.close()

    def reload(self, config: Config) -> None:
        """Apply a checked configuration that needs no restart."""
        self.plane.reload(config)
        self.control.weigh(config.canary.weight)
        logs.configure(config.log)
        for warning in warnings(config):
            _log.warning(warning)
        if self._baseline is not None:
            _ = spawn(self._baseline.use(config.baseline), name="readiness")

    def _config_now(self) -> dict[str, Any]:
        return self.config_status()

    def _publish(self, report: Report) -> None:
        self.channel.publish(report)  # what it drops, it counts

    def _gateways(self) -> Gateways:
        gateways = self.plane.gateways
        return gateways._replace(draining=True) if self._leaving else gateways

    async def _start_admin(self) -> None:
        self._baseline = Baseline(self._config.baseline)
        admin = Admin(self.control, self._baseline, self._gateways, self._config_now)
        token = self._config.admin.viewer_token_env
        self._runner = web.AppRunner(
            admin.app(os.environ[token] if token else None),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=2.0,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.admin_address.host, self.admin_address.port)
        await listen(site.start(), "admin.listen", self._config.admin.listen)
        self.admin_address = Address(*self._runner.addresses[0][:2])


async def run(config: Config, file: Path) -> None:
    """Serve until SIGTERM or SIGINT, then drain; read `file` again on SIGHUP, or when it changes.

    `config` is what was read from it. A second signal ends the process at once. Raises StartError.
    """
    deployment = Deployment(config)
    reloader = Reloader(file, config, deployment.reload, deployment.telemetry)
    deployment.config_status = reloader.status
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def stop(number: signal.Signals) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
        deployment.turn_away()
        _log.info("draining", signal=number.name)
        asked.set()

    for warning in warnings(config):
        _log.warning(warning)
    await deployment.start()
    heap.keep()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, reloader.ask)
    reloading = spawn(reloader.run(), name="reloader")
    _log.info(
        "serving",
        listen=str(deployment.data_address),
        admin=str(deployment.admin_address),
        baseline=config.baseline.url,
        candidate=config.candidate.url,
        sample=config.mirror.sample,
    )
    try:
        await asked.wait()
    finally:
        await cancel(reloading)
        await deployment.stop()
    _log.info("stopped", requests=deployment.ledger.total)
