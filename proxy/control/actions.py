"""What the admin port changes, and tells of changes: the stage, the audit log, other controllers' hooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from cases.filter import FilterError, limit, named
from cases.pool import PoolError
from proxy.cases.endpoints import CaseEndpoints
from proxy.cases.keeper import CaseKeeper, NoPoolError
from proxy.control.access import error_response, json_body, json_response, page_or_answer
from proxy.control.control import Control
from proxy.control.keeper import Keeper, UnwrittenError
from proxy.control.store import StoreError
from proxy.control.triggers import flagger
from proxy.control.triggers.alertmanager import Firings, PayloadError
from verdict.rollout import Change, Command, RefusedError

ACTIONS = {
    "/stage/{command}": "promote, hold, resume or rollback",
    "/hooks/flagger/{hook}": f"what Flagger asks: {', '.join(flagger.HOOKS)}",
    "/hooks/alertmanager": "alerts that hold the rollout, or roll it back",
    "/cases/{pair_id}/label": "what a reviewer says of a case",
}
"""What is asked for by POST."""
FIRINGS = "firings"
"""Where the store keeps which alerts have acted."""
MAX_REASON = 500
LAST = (1 << 63) - 1
"""The largest number that an entry can have."""
LOGS = ("rollout", "cases")
"""What has happened to the rollout, and who has read or changed which cases."""

_log = structlog.get_logger(__name__)


class Actions:
    """The handlers that go through the keeper."""

    def __init__(self, control: Control, keeper: Keeper, cases: CaseKeeper) -> None:
        self._cases = cases
        self._control = control
        self._keeper = keeper
        self._firings = Firings.restored(keeper.recall(FIRINGS))

    def routes(self, label: Handler) -> list[web.RouteDef]:
        """The routes of ACTIONS. `label` takes a form of the console."""
        labels = page_or_answer(label, CaseEndpoints(self._cases).label)
        handlers = (self.command, self.flagger, self.alertmanager, labels)
        return [web.post(path, handler) for path, handler in zip(ACTIONS, handlers, strict=True)]

    async def command(self, request: web.Request) -> web.Response:
        """Follow an operator's command, with the reason in the body where there is one."""
        try:
            command = Command(request.match_info["command"])
        except ValueError:
            raise web.HTTPNotFound from None
        body = await json_body(request) if request.can_read_body else {}
        if isinstance(body, dict) and (unknown := sorted(body.keys() - {"reason"})):
            return error_response(400, f"the body has no key {unknown[0][:40]!r}; it may hold reason")
        reason = body.get("reason", "no reason given") if isinstance(body, dict) else None
        if not isinstance(reason, str) or not 0 < len(reason) <= MAX_REASON or not reason.isprintable():
            return error_response(400, f'the body may hold {{"reason": "..."}}, of up to {MAX_REASON} characters')
        try:
            changes = await self._keeper.command(command, by="operator", reason=reason)
        except RefusedError as error:
            return error_response(409, str(error))
        except UnwrittenError as error:
            return _unwritten(error)
        except StoreError as error:
            return error_response(503, f"not done, since it could not be written: {error}")
        return json_response({"changes": [_row(change) for change in changes], **self._control.stage_now()})

    async def audit(self, request: web.Request) -> web.Response:
        """The last `limit` entries, or those before number `before`, the newest first; `log` says of which log."""
        try:
            named(request.query, ("limit", "before", "log"))
            most, before, log = limit(request.query, 100), _before(request.query), _which(request.query)
        except FilterError as error:
            return error_response(400, str(error))
        if log != LOGS[0]:
            return await self._accesses(before, most)
        try:
            entries = await self._keeper.latest(before=before, limit=most)
        except StoreError as error:
            return error_response(503, f"the store cannot be read: {error}")
        return json_response({"entries": [entry.row() for entry in entries]})

    async def _accesses(self, before: int | None, most: int) -> web.Response:
        try:
            logged = await self._cases.ask(lambda pool: pool.accesses(before=before, limit=most))
        except NoPoolError as error:
            return error_response(404, str(error))
        except PoolError as error:
            return error_response(503, f"the case pool cannot be read: {error}")
        return json_response({"entries": [{"id": number, **access._asdict()} for number, access in logged]})

    async def flagger(self, request: web.Request) -> web.Response:
        """See `triggers.flagger`."""
        hook = request.match_info["hook"]
        if hook not in flagger.HOOKS:
            raise web.HTTPNotFound
        verdict, reason = self._control.decision()
        known = flagger.Known(verdict, reason, self._control.against(), self._control.revision)
        answer = flagger.answer(hook, await json_body(request), known)
        return json_response({"reason": answer.reason}, answer.status)

    async def alertmanager(self, request: web.Request) -> web.Response:
        """See `triggers.alertmanager`. What sending again would mend is 5xx, all else that is not done is 4xx."""
        before = self._firings.dump()
        try:
            wish = self._firings.take(await json_body(request))
        except PayloadError as error:
            return error_response(400, str(error))
        self._keeper.remember(FIRINGS, orjson.dumps(self._firings.dump()))
        if wish is None:
            return json_response({"done": None})
        try:
            await self._keeper.command(wish.command, by="alertmanager", reason=wish.reason)
        except RefusedError as error:
            return json_response({"done": None, "reason": str(error)})
        except UnwrittenError as error:
            self._firings = Firings(before)  # sent again, it counts again
            return _unwritten(error)
        except Exception:
            self._firings = Firings(before)  # as above
            raise
        return json_response({"done": str(wish.command), "reason": wish.reason})


def _before(query: Mapping[str, str]) -> int | None:
    """The number ahead of which entries are wanted, however large. Raises FilterError."""
    before = query.get("before")
    if before is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,99}", before):
        raise FilterError("before should be the number of an entry, a whole number from 1")
    return min(int(before), LAST)


def _which(query: Mapping[str, str]) -> str:
    """One of LOGS. Raises FilterError."""
    log = query.get("log", LOGS[0])
    if log not in LOGS:
        raise FilterError(f"log should be one of {', '.join(LOGS)}")
    return log


def _unwritten(error: UnwrittenError) -> web.Response:
    return error_response(
        503,
        f"followed here, and NOT YET STORED ({error}): a control that starts or takes over before it is stored does"
        " not know of it, so look at /stage again",
    )


def _row(change: Change) -> dict[str, Any]:
    return {name: value if isinstance(value, float) else str(value) for name, value in change._asdict().items()}
