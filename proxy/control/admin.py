"""The admin port: what people, monitoring and other controllers ask. docs/http.md describes every endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from proxy.cases.endpoints import CaseEndpoints
from proxy.cases.keeper import CaseKeeper
from proxy.control.access import Guard, Tokens, json_response, page_or_answer
from proxy.control.actions import Actions
from proxy.control.console.console import PAGES, Console
from proxy.control.console.errors import as_page
from proxy.control.control import Control
from proxy.control.exposition import exposed
from proxy.control.keeper import Keeper
from proxy.control.readiness import Probe
from proxy.control.triggers import argo
from proxy.processes.status import Gateways

ENDPOINTS = {
    "/": "the console",
    "/healthz": "200 while the process answers",
    "/readyz": "200 while a gateway process accepts requests and the baseline answers, else 503",
    "/metrics": "every metric, for Prometheus",
    "/verdict": "the verdict, and each guardrail's counts and rates",
    "/ledger": "what became of every eligible request",
    "/stage": "how much live traffic the candidate answers, and what keeps it from more",
    "/audit": "what has happened to the rollout, with its evidence; with log=cases, who has read which cases",
    "/cases": "pairs kept as future eval cases",
    "/cases/export": "all of them that a filter lets through, as a file for an eval tool",
    "/cases/{pair_id}": "one of them, with its texts",
    "/hooks/argo": "the verdict, for Argo Rollouts",
}
"""What is read, by GET."""

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a request: a group of alerts may be large."""


class Admin:
    """The handlers of the admin port.

    `gateways` says how many processes take requests, `configuration` which file is in force.
    """

    def __init__(
        self,
        control: Control,
        keeper: Keeper,
        baseline: Probe,
        gateways: Callable[[], Gateways],
        configuration: Callable[[], Mapping[str, Any]] = dict,
        *,
        cases: CaseKeeper,
    ) -> None:
        self._control = control
        self._cases = cases
        self._endpoints = CaseEndpoints(cases)
        self._actions = Actions(control, keeper, cases)
        self._baseline = baseline
        self._gateways = gateways
        self._configuration = configuration

    def app(self, tokens: Tokens) -> web.Application:
        """The application, which asks for the tokens that there are."""
        guard = Guard(tokens)
        console = Console(self._control, guard, ENDPOINTS | PAGES, self._cases)
        app = web.Application(middlewares=[as_page, guard.middleware], client_max_size=MAX_BODY)
        app.cleanup_ctx.append(console.running)
        own = (console.overview, self.healthz, self.readyz, self.metrics, self.verdict, self.ledger, self.stage)
        kept = (
            page_or_answer(console.cases.list, self._endpoints.list),
            console.exporting.export,
            page_or_answer(console.cases.one, self._endpoints.one),
        )
        handlers = (*own, self._actions.audit, *kept, self.argo)
        app.add_routes([web.get(path, handler) for path, handler in zip(ENDPOINTS, handlers, strict=True)])
        app.add_routes(self._actions.routes(console.cases.label))
        app.add_routes(console.routes())
        return app

    async def healthz(self, _: web.Request) -> web.Response:
        """The process runs and its event loop turns."""
        return json_response({"status": "ok"})

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether clients would be answered. The candidate, the analyzers and control itself do not count."""
        gateways = self._gateways()
        problem = gateways.problem or await self._baseline.problem()
        told = {"gateways": {"accepting": gateways.accepting, "of": gateways.wanted}}
        if problem is not None:
            return json_response({"status": "not ready", "reason": problem, **told}, 503)
        return json_response({"status": "ready", **told})

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus text or OpenMetrics, as the Accept header asks."""
        for _ in self._control.refreshing():
            await asyncio.sleep(0)  # clients are served between
        self._cases.show()
        return await exposed(request, self._control.telemetry.registry)

    async def verdict(self, _: web.Request) -> web.Response:
        """The verdict, with all that each guardrail's carries beside the stable fields."""
        return json_response(self._control.told())

    async def ledger(self, _: web.Request) -> web.Response:
        """The states, what is still open, their total, and whether they sum to it."""
        return json_response(self._control.ledger())

    async def stage(self, _: web.Request) -> web.Response:
        """The stage, the candidate's share of live traffic, and the configuration in force."""
        return json_response({**self._control.stage_now(), "config": self._configuration()})

    async def argo(self, request: web.Request) -> web.Response:
        """See `triggers.argo`."""
        return json_response(argo.answer(self._control, request.query))
