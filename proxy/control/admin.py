"""The admin port: what people and monitoring ask. docs/http.md describes every one of `ENDPOINTS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from proxy.control.access import guard, json_response
from proxy.control.control import Control
from proxy.control.readiness import Probe
from proxy.processes.status import Gateways

ENDPOINTS = {
    "/": "this page",
    "/healthz": "200 while the process answers",
    "/readyz": "200 while a gateway process accepts requests and the baseline answers, else 503",
    "/metrics": "every metric, for Prometheus",
    "/verdict": "the verdict, and each guardrail's counts and rates",
    "/ledger": "what became of every eligible request",
    "/stage": "how much live traffic the candidate answers, and the configuration in force",
}


class Admin:
    """The handlers of the admin port.

    `gateways` says how many processes take requests, `configuration` which file is in force.
    """

    def __init__(
        self,
        control: Control,
        baseline: Probe,
        gateways: Callable[[], Gateways],
        configuration: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._control = control
        self._baseline = baseline
        self._gateways = gateways
        self._configuration = configuration

    def app(self, token: str | None) -> web.Application:
        """The application; reading needs the bearer token where one is given."""
        app = web.Application(middlewares=[guard(token)], client_max_size=64 * 1024)
        handlers = (self.page, self.healthz, self.readyz, self.metrics, self.verdict, self.ledger, self.stage)
        app.add_routes([web.get(path, handler) for path, handler in zip(ENDPOINTS, handlers, strict=True)])
        return app

    async def page(self, _: web.Request) -> web.Response:
        """A plain page that says what is where."""
        verdict = self._control.verdict()
        rows = "".join(f'<tr><td><a href="{path}">{path}</a><td>{escape(text)}' for path, text in ENDPOINTS.items())
        return web.Response(
            content_type="text/html",
            text=f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Slipgauge</title>
<style>body{{font:16px/1.5 system-ui;margin:2rem}}td{{padding-right:1.5rem}}</style>
<h1>Slipgauge {escape(self._control.version)}</h1>
<p>Stage <b>{verdict["stage"]}</b>, verdict <b>{verdict["verdict"]}</b>.
<table>{rows}</table></html>
""",
        )

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
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except (TypeError, ValueError):  # a version in the header that is no number
            encode, content_type = choose_encoder("")
        self._control.refresh()
        return web.Response(body=encode(self._control.telemetry.registry), headers={"Content-Type": content_type})

    async def verdict(self, _: web.Request) -> web.Response:
        """The verdict, with each guardrail's margin and reason beside the stable fields."""
        told = self._control.verdict()
        for row, judgement in zip(told["guardrails"], self._control.judgements(), strict=True):
            row.update(margin=judgement.margin, reason=judgement.reason)
        return json_response(told)

    async def ledger(self, _: web.Request) -> web.Response:
        """The states, what is still open, their total, and whether they sum to it."""
        return json_response(self._control.ledger())

    async def stage(self, _: web.Request) -> web.Response:
        """The stage, the candidate's share of live traffic, and the configuration in force."""
        return json_response({**self._control.stage_now(), "config": self._configuration()})
