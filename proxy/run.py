"""Everything of one deployment: gateways with their analyzers, channel, control and the admin port."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from proxy import descriptors, logs
from proxy.address import Address
from proxy.cases.keeper import CaseKeeper, open_pool
from proxy.channel.memory import MemoryChannel
from proxy.config import Config
from proxy.config_warnings import warnings
from proxy.control import fingerprint
from proxy.control.admin import Admin
from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.control.kept import take_up
from proxy.control.readiness import Baseline
from proxy.control.sqlite_store import InUseError
from proxy.control.triggers import outgoing
from proxy.gateway import Ledger
from proxy.gateway.ledger import HAS_PAIR
from proxy.offer import Offer
from proxy.processes.fleet import Fleet
from proxy.processes.plane import Plane, StartError
from proxy.processes.status import Gateways
from proxy.report import Message, Report
from proxy.roles.serving import require_c_parser, serve, tokens_of
from proxy.roles.site import AdminSite
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

_log = structlog.get_logger(__name__)


def _salt(config: Config, own: str) -> str:
    """The salt of the session hash: the operator's where there is one, else the store's own."""
    return os.environ[config.session.salt_env] if config.session.salt_env else own


class Deployment:
    """Start it, serve, stop it. Cancelling `stop` leaves what has been started to a further one.

    Raises StartError where another deployment uses the store. A store that cannot be used otherwise keeps nobody
    from being served: see `Keeper.problem`.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.telemetry = Telemetry()
        self.ledger = Ledger(self.telemetry)
        try:
            kept = take_up(config.store.path, self._make_control)
        except InUseError as error:
            raise StartError(f"store.path: {config.store.path}: {error}") from error
        salt = _salt(config, kept.salt)
        self.control = kept.control
        self.cases = CaseKeeper(
            *open_pool(config.cases),
            self.telemetry,
            self._admit,
            revision=config.candidate.revision,
            queue_bytes=config.cases.queue_bytes,
        )
        self.channel = MemoryChannel(self._receive, self.telemetry, keep=self.cases.offer)
        gateways = Plane if config.gateway.workers == 1 else Fleet
        self.plane: Plane | Fleet = gateways(
            config, self.telemetry, self.ledger, self._publish, salt, on_offer=self._offer
        )
        self.keeper = Keeper(
            self.control,
            kept.store,
            self.plane.weigh,
            silence=config.rollout.silence,
            broken=kept.broken,
            recalled=kept.recalled,
        )
        self._since = kept.last
        self._instance = blake2b(kept.salt.encode(), digest_size=6).hexdigest()
        self._tasks: list[asyncio.Task[None]] = []
        self.config_status: Callable[[], Mapping[str, Any]] = dict
        """What `GET /stage` tells of the configuration file; nothing where there is none."""
        self._leaving = False
        self._baseline: Baseline | None = None
        self.site = AdminSite(config)

    @property
    def data_address(self) -> Address:
        """Where clients send requests; after `start` with the real port where 0 was asked for."""
        return self.plane.address

    @property
    def admin_address(self) -> Address:
        """Where the admin port is; after `start` with the real port where 0 was asked for."""
        return self.site.address

    def addresses(self) -> dict[str, str]:
        """See `Role.addresses`."""
        return {"listen": str(self.data_address), "admin": str(self.admin_address)}

    @property
    def settled(self) -> bool:
        """Whether every request so far has its ledger state and every pair its report in control."""
        states = self.ledger.states()
        dropped = sum(count for (count,) in self.telemetry.queue_dropped.totals().values())
        return (
            not states["open"]
            and not self.control.tables.waiting
            and not self.control.dossier.sessions.waiting
            and self.control.tables.reports + dropped >= sum(states[state] for state in HAS_PAIR)
        )

    async def start(self) -> None:
        """Start everything, the data port last. Raises StartError with nothing left running."""
        require_c_parser()
        for warning in descriptors.warnings(self._config, descriptors.raise_limit()):
            _log.warning(warning)
        self.telemetry.gateways.set_function(lambda: self._gateways().accepting)
        try:
            await self.channel.start()
            await self._start_admin()
            await self.keeper.start()
            await self.plane.start()
        except BaseException:
            await self.stop()
            raise
        self._tasks = [
            spawn(self.keeper.run(), name="keeper"),
            spawn(self.cases.run(), name="cases"),
            spawn(fingerprint.watch(lambda: self._config, self.keeper.identify), name="fingerprints"),
            spawn(
                outgoing.tell(
                    self._config, self.keeper, self.telemetry, since=self._since, instance=self._instance
                ),
                name="triggers",
            ),
        ]

    def turn_away(self) -> None:
        """Be ready no more, so that whoever looks at /readyz sends new requests elsewhere."""
        self._leaving = True

    async def stop(self) -> None:
        """Drain: accepted requests finish, captured pairs are scored, then the admin port closes."""
        await self.plane.stop()
        await self.channel.stop()
        await cancel(*self._tasks)
        await self.cases.stop()
        await self.keeper.stop()
        await self.site.close()
        if self._baseline is not None:
            await self._baseline.close()

    def reload(self, config: Config) -> None:
        """Apply a checked configuration that needs no restart."""
        self._config = config
        self.plane.reload(config)
        self.control.follow(config)
        logs.configure(config.log)
        for warning in warnings(config):
            _log.warning(warning)
        if self._baseline is not None:
            _ = spawn(self._baseline.use(config.baseline), name="readiness")

    def _make_control(self, salt: str) -> Control:
        return Control(self._config, self.telemetry, self.ledger, version("slipgauge"), _salt(self._config, salt))

    def _config_now(self) -> Mapping[str, Any]:
        return self.config_status()

    def _publish(self, message: Message) -> None:
        self.channel.publish(message)  # what it drops, it counts

    def _receive(self, message: Message) -> None:
        self.control.receive(message)
        if isinstance(message, Report) and message.further:
            self.cases.amend(message)

    def _admit(self, floors: Mapping[str, float]) -> None:
        self.plane.admit(floors)

    def _offer(self, offer: Offer) -> None:
        self.channel.offer(offer)  # as above

    def _gateways(self) -> Gateways:
        gateways = self.plane.gateways
        return gateways.left() if self._leaving else gateways

    async def _start_admin(self) -> None:
        self._baseline = Baseline(self._config.baseline)
        admin = Admin(self.control, self.keeper, self._baseline, self._gateways, self._config_now, cases=self.cases)
        await self.site.show(admin.app(tokens_of(self._config)))


async def run(config: Config, file: Path) -> None:
    """Serve until SIGTERM or SIGINT: see `serve`. Raises StartError."""
    deployment = Deployment(config)
    await serve(deployment, config, file)
    _log.info("stopped", requests=deployment.ledger.total)
