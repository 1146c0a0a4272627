"""`slipgauge gateway`: the data plane of one host, whose control is elsewhere.

Clients are served whether or not anything else of the deployment is there. What the gateway tells goes to the
channel; the candidate's share of sessions comes from it, and falls to none where control is silent for too long.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from proxy import descriptors, logs
from proxy.channel import alike, cases, stage
from proxy.channel.counts import Counts, CountsError, counted, left_by
from proxy.channel.link import Link
from proxy.channel.nats import NatsChannel
from proxy.config import Config
from proxy.config_channel import Nats
from proxy.config_warnings import warnings
from proxy.control.access import Guard, error_response, json_response
from proxy.control.exposition import exposed
from proxy.control.facts import OF_GATEWAYS
from proxy.control.readiness import Baseline
from proxy.counters import Block
from proxy.counters.shelf import Left, Shelf
from proxy.gateway import Ledger
from proxy.offer import Offer
from proxy.processes.fleet import Fleet
from proxy.processes.plane import Plane
from proxy.processes.status import Gateways
from proxy.report import Mark, Message
from proxy.roles.serving import identity, own_name, require_c_parser, serve, tokens_of
from proxy.roles.site import AdminSite
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

PROCESSES = 1_000
"""Most processes of which it is remembered that they belong to this gateway."""
LOOK_EVERY = 2.0
"""Seconds between two looks at whether a gateway on this host was killed and left its counts."""

_log = structlog.get_logger(__name__)


class GatewayRole:
    """See `Role`. `settings` are those of the channel."""

    def __init__(self, config: Config, settings: Nats) -> None:
        self._config = config
        self.name = own_name()
        self.link = Link(settings, f"gateway {self.name}")
        self.incarnation = f"{self.name}.{os.urandom(6).hex()}"
        self._shelf = Shelf(self.link.names.deployment, self.incarnation)
        self._shared = self._shelf.share()
        self.telemetry = Telemetry(block=Block(self._shared.descriptor))
        self.ledger = Ledger(self.telemetry)
        self.config_status: Callable[[], Mapping[str, Any]] = dict
        self.channel = NatsChannel(self.link, self.telemetry, settings.window, self._count)
        salt = os.environ[config.session.salt_env] if config.session.salt_env else None
        self._identity = {part: value for part, value in identity(config).items() if part in OF_GATEWAYS}
        told = (config, self.telemetry, self.ledger, self._publish, salt)
        self.plane: Plane | Fleet = (
            Plane(*told, on_offer=self._offer)
            if config.gateway.workers == 1
            else Fleet(*told, on_offer=self._offer, share=self._shelf.share)
        )
        self.site = AdminSite(config)
        self._baseline = Baseline(config.baseline)
        self._processes: dict[str, None] = {}
        self._leaving = False
        self._share = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start everything, the data port last. Raises StartError with nothing left running."""
        require_c_parser()
        for warning in descriptors.warnings(self._config, descriptors.raise_limit()):
            _log.warning(warning)
        self.telemetry.registry.unregister(self.telemetry.leader)  # it is control's to say
        self.telemetry.gateways.set_function(lambda: self._gateways().accepting)
        try:
            self.link.start()
            await self.channel.start()
            await self.site.show(self._app())
            await self.plane.start()
        except BaseException:
            await self.stop()
            raise
        self._tasks = [
            spawn(stage.follow(self.link, self._weigh), name="stage"),
            spawn(cases.follow_floors(self.link, self.plane.admit), name="floors"),
            spawn(alike.compare(self.link, self._identity, self._differ), name="settings"),
            spawn(self._account_for_killed(), name="killed"),
        ]

    def turn_away(self) -> None:
        """See `Role.turn_away`."""
        self._leaving = True

    async def stop(self) -> None:
        """Drain: accepted requests finish, captured pairs are scored, and what was found is told."""
        await self.plane.stop()
        await cancel(*self._tasks)
        await self.channel.stop()
        if self.channel.ended or not self.ledger.total:
            self._shared.forget()  # else the next gateway on this host tells it
        await self.link.close()
        await self.site.close()
        await self._baseline.close()
        _log.info("stopped", requests=self.ledger.total)

    def reload(self, config: Config) -> None:
        """See `Role.reload`."""
        self._config = config
        self.plane.reload(config)
        logs.configure(config.log)
        for warning in warnings(config):
            _log.warning(warning)
        _ = spawn(self._baseline.use(config.baseline), name="readiness")

    def addresses(self) -> dict[str, str]:
        """See `Role.addresses`."""
        return {"listen": str(self.plane.address), "admin": str(self.site.address), "gateway": self.name}

    def _weigh(self, share: float, valid: float | None) -> None:
        if share != self._share:
            _log.info("the candidate's share of sessions", share=share, was=self._share)
            self._share = share
        self.plane.weigh(share, valid)

    def _differ(self, settings: tuple[str, ...]) -> None:
        for each in OF_GATEWAYS:
            self.telemetry.settings_unlike.labels(each).set(float(each in settings))

    # what is told

    def _publish(self, message: Message) -> None:
        process = message.process if isinstance(message, Mark) else message.mark.process
        if process and process not in self._processes:
            self._processes[process] = None
            if len(self._processes) > PROCESSES:
                del self._processes[next(iter(self._processes))]
        self.channel.publish(message)  # what it drops, it counts

    def _offer(self, offer: Offer) -> None:
        self.channel.offer(offer)  # as above

    def _gateways(self) -> Gateways:
        gateways = self.plane.gateways
        return gateways.left() if self._leaving else gateways

    def _count(self, ended: bool) -> Counts:  # noqa: FBT001 - as the channel asks
        gateways = self._gateways()
        processes = tuple(self._processes)
        series = counted(self.telemetry)
        return Counts(self.name, self.incarnation, gateways.accepting, gateways.wanted, processes, series, ended)

    # for gateways on this host that were killed

    async def _account_for_killed(self) -> None:
        """Tell what they had counted up to their last moment, for ever."""
        while True:
            if self.link.up:
                for left in self._shelf.left():
                    await self._account_for(left)
            await asyncio.sleep(LOOK_EVERY)

    async def _account_for(self, left: Left) -> None:
        try:
            told = await self.channel.tell_for(left_by(left.incarnation, left.blocks))
        except CountsError as error:
            _log.error("counts of a killed gateway cannot be read", gateway=left.incarnation, error=str(error))
            told = True
        else:
            _log.warning("told for a gateway that was killed", gateway=left.incarnation, stored=told)
        (left.forget if told else left.release)()

    # the admin port

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[Guard(tokens_of(self._config)).middleware])
        routes = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/ledger": self._ledger,
        }
        app.add_routes([web.get(path, handler) for path, handler in routes.items()])
        app.add_routes([web.route("*", "/{_:.*}", self._elsewhere)])
        return app

    async def _elsewhere(self, request: web.Request) -> web.Response:
        return error_response(
            404,
            f"Not Found: {request.method} {request.path}; this is the gateway {self.name}: verdict and stage are at"
            " the admin port of control",
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def _readyz(self, _: web.Request) -> web.Response:
        """Whether clients would be answered. Neither control nor NATS counts."""
        gateways = self._gateways()
        problem = gateways.problem or await self._baseline.problem()
        told = {"gateways": {"accepting": gateways.accepting, "of": gateways.wanted}, "channel": self.link.up}
        if problem is not None:
            return json_response({"status": "not ready", "reason": problem, **told}, 503)
        return json_response({"status": "ready", **told})

    async def _metrics(self, request: web.Request) -> web.Response:
        """What this gateway has counted; control shows the sums over all."""
        return await exposed(request, self.telemetry.registry)

    async def _ledger(self, _: web.Request) -> web.Response:
        """What became of every eligible request of this gateway."""
        states = dict(self.ledger.states())
        return json_response(
            {"gateway": self.name, "total": sum(states.values()), "open": states.pop("open"), "states": states}
        )


async def run(config: Config, settings: Nats, file: Path) -> None:
    """Serve until SIGTERM or SIGINT: see `serve`. Raises StartError."""
    await serve(GatewayRole(config, settings), config, file)
