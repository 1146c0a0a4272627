"""`slipgauge control`: verdict, stage and the admin port, for gateways that are elsewhere.

Of several controls one leads. The others stand by: they export no verdict and follow no command, and say who leads.
A control that is not sure any more that it leads stands by again; what it had not made durable the next one finds
in the stream once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from prometheus_client.exposition import generate_latest

from proxy import logs
from proxy.cases.keeper import CaseKeeper, open_pool
from proxy.channel import alike
from proxy.channel.link import FAILURES, Link
from proxy.channel.rollback import RollbackKey
from proxy.config import Config
from proxy.config_channel import Nats
from proxy.config_warnings import warnings
from proxy.control.access import Guard, error_response, json_response
from proxy.control.admin import Admin
from proxy.control.lease import RENEW, Lease
from proxy.control.readiness import Baseline
from proxy.control.store import StoreError
from proxy.roles.serving import identity, own_name, require_c_parser, serve, tokens_of
from proxy.roles.site import AdminSite
from proxy.roles.term import Term
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

STANDBY_METRICS = ("slipgauge_leader", "slipgauge_build_info")

_log = structlog.get_logger(__name__)


class ControlRole:
    """See `Role`. `settings` are those of the channel."""

    def __init__(self, config: Config, settings: Nats) -> None:
        self._config = config
        self.telemetry = Telemetry()
        self.telemetry.leader.set(0)
        self.telemetry.gateways.set_function(lambda: self.term.fleets.gateways.accepting if self.term else 0)
        self.config_status: Callable[[], Mapping[str, Any]] = dict
        self.name = own_name()
        self.link = Link(settings, f"control {self.name}")
        self.lease = Lease(self.link, self.name)
        self._unwritten = RollbackKey(self.link)
        self.term: Term | None = None
        self.site = AdminSite(config)
        self._baseline = Baseline(config.baseline)
        self._cases = CaseKeeper(
            *open_pool(config.cases),
            self.telemetry,
            None,
            revision=config.candidate.revision,
            queue_bytes=config.cases.queue_bytes,
        )
        self._keeping: asyncio.Task[None] | None = None
        self._leading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._comparing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Stand by. Raises StartError with nothing left running."""
        require_c_parser()
        try:
            self.link.start()
            await self.site.show(self._standby())
        except BaseException:
            await self.stop()
            raise
        self._keeping = spawn(self._cases.run(), name="cases")
        self._leading = spawn(self._lead(), name="leader")
        self._writing = spawn(self._unwritten.run(), name="rollback")
        self._comparing = spawn(alike.compare(self.link, identity(self._config), lambda _: None), name="settings")

    def turn_away(self) -> None:
        """See `Role.turn_away`. Nothing comes in here that could be turned away."""

    async def stop(self) -> None:
        """Make durable what has come in, and let another lead."""
        if self._leading is not None:
            await cancel(self._leading)
        if self._keeping is not None:
            await cancel(self._keeping)
        if self._comparing is not None:
            await cancel(self._comparing)
        await self._cases.stop()
        if self._writing is not None:
            await cancel(self._writing)
        await self.lease.leave()
        await self.link.close()
        await self.site.close()
        await self._baseline.close()

    def reload(self, config: Config) -> None:
        """See `Role.reload`."""
        self._config = config
        if self.term is not None:
            self.term.follow(config)
        logs.configure(config.log)
        for warning in warnings(config):
            _log.warning(warning)
        _ = spawn(self._baseline.use(config.baseline), name="readiness")

    def addresses(self) -> dict[str, str]:
        """See `Role.addresses`."""
        return {"admin": str(self.site.address), "control": self.name}

    # leading

    async def _lead(self) -> None:
        """Lead whenever that can be, for ever."""
        while True:
            await self.lease.win()
            keeping = spawn(self.lease.keep(), name="lease")
            try:
                await self._serve_term(keeping)
            except (*FAILURES, StoreError) as error:
                _log.warning("cannot lead", error=repr(error))
            except Exception as error:
                _log.exception("cannot lead", error=type(error).__name__)
            finally:
                await cancel(keeping)
            await self.lease.leave()
            await asyncio.sleep(RENEW)

    async def _serve_term(self, keeping: asyncio.Task[None]) -> None:
        opening = spawn(
            Term.open(
                self._config,
                self.telemetry,
                self.link,
                term=self.lease.term,
                cases=self._cases,
                unwritten=self._unwritten,
            ),
            name="term",
        )
        await asyncio.wait((opening, keeping), return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            await cancel(opening)
            return
        self.term = term = opening.result()
        ended = spawn(term.over.wait(), name="fenced")
        try:
            await term.start()
            await self.site.show(self._app(term))
            self.telemetry.leader.set(1)
            _log.info("leads", control=self.name, term=self.lease.term, admin=str(self.site.address))
            await asyncio.wait((keeping, ended), return_when=asyncio.FIRST_COMPLETED)
            term.over.set()
            _log.warning("leads no more", control=self.name, term=self.lease.term)
        finally:
            self.telemetry.leader.set(0)
            self.term = None
            await cancel(ended)
            await term.stop()
            await self.site.show(self._standby())

    # the admin port

    def _app(self, term: Term) -> web.Application:
        admin = Admin(
            term.control,
            term.keeper,
            self._baseline,
            lambda: term.fleets.gateways,
            self._config_now,
            cases=self._cases,
        )
        app = admin.app(tokens_of(self._config))
        app.middlewares.append(self._only_leader)
        return app

    def _config_now(self) -> dict[str, object]:
        return dict(self.config_status())

    @web.middleware
    async def _only_leader(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """A process that was stopped for a while learns late that it leads no more: it looks at the clock first."""
        if self.lease.held or request.path == "/healthz":
            return await handler(request)
        return self._refusal()

    def _standby(self) -> web.Application:
        """What is served while another leads, or nobody does."""
        app = web.Application(middlewares=[Guard(tokens_of(self._config)).middleware])
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/metrics", self._metrics),
                web.route("*", "/{_:.*}", self._refuse),
            ]
        )
        return app

    async def _healthz(self, _: web.Request) -> web.Response:
        return json_response({"status": "ok", "leads": False, "leader": self.lease.leader})

    async def _metrics(self, _: web.Request) -> web.Response:
        """That this control stands by, and nothing of what the one that leads says."""
        restricted = self.telemetry.registry.restricted_registry(STANDBY_METRICS)
        return web.Response(body=generate_latest(restricted), content_type="text/plain")

    async def _refuse(self, _: web.Request) -> web.Response:
        return self._refusal()

    def _refusal(self) -> web.Response:
        leader = self.lease.leader
        who = f"{leader} leads" if leader else "nobody is known to lead"
        reach = "" if self.link.up else ", and NATS is not there"
        return error_response(503, f"this control stands by; {who}{reach}")


async def run(config: Config, settings: Nats, file: Path) -> None:
    """Serve until SIGTERM or SIGINT: see `serve`. Raises StartError."""
    await serve(ControlRole(config, settings), config, file)
