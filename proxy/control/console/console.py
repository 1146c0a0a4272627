"""The console's handlers: they gather what a page tells, have it rendered beside the event loop, and send it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from importlib.resources import files

from aiohttp import web

from cases.filter import Filter
from proxy.cases.keeper import CaseKeeper
from proxy.control.access import SIGNIN, SIGNOUT, Guard
from proxy.control.console import case_list, history
from proxy.control.console.cases import CasePages
from proxy.control.console.export import Exporting
from proxy.control.console.overview import Seen, overview
from proxy.control.console.rendering import Rendering, page_response
from proxy.control.console.signing import Signing
from proxy.control.control import Control
from proxy.tasks import cancel, spawn
from verdict.guardrails import guardrail_of

PAGES = {
    SIGNIN: "where a browser gives its token",
    "/assets/{name}": "the console's style sheet, script and icon",
    "/cases/{pair_id}/text/{part}": "one part of a case whole, as plain text",
}
"""What the console answers beside the pages at endpoints of programs."""
SENT = (SIGNIN, SIGNOUT)
"""What its forms send to, beside what programs send to as well."""
TYPES = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""The console's own files, and what they are."""


class Console:
    """Pages. `endpoints` is what programs ask, for the list of them."""

    def __init__(self, control: Control, guard: Guard, endpoints: Mapping[str, str], keeper: CaseKeeper) -> None:
        self._control = control
        self._endpoints = endpoints
        self._rendering = Rendering(control, guard)
        self._signing = Signing(guard, self._rendering)
        self.cases = CasePages(control, keeper, self._rendering)
        self.exporting = Exporting(keeper, self._rendering)
        self._history = history.History()
        self._assets = {name: (files(__package__) / "assets" / name).read_bytes() for name in TYPES}

    def routes(self) -> list[web.RouteDef]:
        """The routes of PAGES, and those of the forms."""
        return [
            *self._signing.routes(),
            web.get("/assets/{name}", self.asset),
            web.get("/cases/{pair_id}/text/{part}", self.cases.part),
        ]

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """Sample the slips while the admin port is up."""
        control = self._control
        sampled = history.keep(self._history, lambda: (control.judgements(), control.rollout.evidence))
        sampling = spawn(sampled, name="slip history")
        yield
        await cancel(sampling)
        self._rendering.close()

    async def overview(self, request: web.Request) -> web.Response:
        """Is the candidate losing anything, where, how sure."""
        frame = self._rendering.frame(request)
        return page_response(await self._rendering.aside(overview, frame, self._seen()))

    async def asset(self, request: web.Request) -> web.Response:
        """A file of the console's own."""
        name = request.match_info["name"]
        if name not in TYPES:
            raise web.HTTPNotFound
        return web.Response(body=self._assets[name], content_type=TYPES[name], charset="utf-8")

    def _seen(self) -> Seen:
        control = self._control
        levels = control.dossier.terms.levels
        return Seen(
            told=control.told(),
            stage=control.stage_now(),
            ledger=control.ledger(),
            weights=tuple(step.weight for step in control.rollout.plan.steps),
            harm=levels.harm,
            safe=levels.safe,
            slips={each: self._history.of(each) for each in control.dossier.evidence},
            cases=dict(self._of_guardrails()),
            endpoints=self._endpoints,
        )

    def _of_guardrails(self) -> Iterable[tuple[str, str]]:
        """Where the cases of each guardrail are, the most divergent first."""
        for name, about in self._control.guardrails.items():
            fed = [
                (each.name, variable)
                for each in self._control.analyzers
                for variable in each.variables
                if guardrail_of(variable) == (about.of or name)
            ]
            if fed:
                variable = fed[0][1] if len(fed) == 1 else None
                wanted = Filter(analyzer=None if variable else fed[0][0], variable=variable, segment=about.segment)
                yield name, f"/cases{case_list.query(wanted, order='divergent')}"
