"""The pages of kept cases. Whoever is shown words of one is in the access log first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aiohttp import web

from analyzers.finding import Analyzer
from cases.case import LONGEST, Case
from cases.export import FORMATS
from cases.filter import Filter, FilterError, cursor, read
from cases.pool import PoolError, Stats
from proxy.cases.keeper import CaseKeeper, NoPoolError
from proxy.cases.sqlite_pool import SqlitePool
from proxy.cases.told import LabelError, label_of, labelled, noted
from proxy.control.access import ROLE
from proxy.control.console import case_list, case_page
from proxy.control.console.case_page import PARTS, Place
from proxy.control.console.conversation import answered, written
from proxy.control.console.rendering import Rendering, page_response
from proxy.control.console.visible import visible
from proxy.control.control import Control

PAGE = 50
"""Cases on one page."""


class Found(NamedTuple):
    """What the pool has of a page."""

    cases: Sequence[Case]
    """One more than the page shows, where there are more."""
    stats: Stats


class CasePages:
    """The handlers. A pool that is not there, or that cannot be read, is said on the page."""

    def __init__(self, control: Control, keeper: CaseKeeper, rendering: Rendering) -> None:
        self._control = control
        self._keeper = keeper
        self._rendering = rendering

    async def list(self, request: web.Request) -> web.Response:
        """The cases that the query lets through."""
        frame, wanted, role = self._rendering.frame(request), wanted_by(request), request[ROLE]

        def look(pool: SqlitePool) -> Found:
            noted(pool, role, "read", f"list of cases{case_list.query(wanted)}")
            return Found(pool.find(wanted._replace(limit=PAGE + 1)), pool.stats())

        try:
            found = await self._keeper.ask(look)
        except (NoPoolError, PoolError) as error:
            return page_response(case_list.none_kept(frame, str(error)), _status(error))
        shown = found.cases[:PAGE]
        following = cursor(shown[-1], wanted.order) if len(found.cases) > PAGE else None
        listed = case_list.Listed(wanted, shown, following, found.stats.cases)
        offered = _offered(self._control.analyzers, self._segments(), found.stats)
        return page_response(await self._rendering.aside(case_list.case_list, frame, listed, offered))

    async def one(self, request: web.Request) -> web.Response:
        """One case, and its neighbours among those that the query lets through."""
        frame, wanted, role = self._rendering.frame(request), wanted_by(request), request[ROLE]
        pair_id = request.match_info["pair_id"]

        def look(pool: SqlitePool) -> tuple[Case, list[Case]] | None:
            if (case := pool.get(pair_id)) is None:
                return None
            noted(pool, role, "read", f"case {pair_id}")
            return case, pool.find(wanted._replace(limit=PAGE + 1))

        try:
            found = await self._keeper.ask(look)
        except (NoPoolError, PoolError) as error:
            return page_response(case_list.none_kept(frame, str(error)), _status(error))
        if found is None:
            return page_response(case_list.not_there(frame, pair_id), 404)
        case, around = found
        place = place_of(case, wanted, around)
        return page_response(await self._rendering.aside(case_page.case_page, frame, case, place))

    async def part(self, request: web.Request) -> web.Response:
        """One part of a case whole, as text that no browser takes for anything else."""
        pair_id, part, role = request.match_info["pair_id"], request.match_info["part"], request[ROLE]
        if part not in PARTS:
            raise web.HTTPNotFound

        def look(pool: SqlitePool) -> Case | None:
            if (case := pool.get(pair_id)) is not None:
                noted(pool, role, "read", f"case {pair_id}: {part}")
            return case

        case = await self._asked(look)
        if case is None:
            raise web.HTTPNotFound
        body = await self._rendering.aside(_whole, case, part)
        return web.Response(body=body, content_type="text/plain", charset="utf-8")

    async def label(self, request: web.Request) -> web.Response:
        """Take what a reviewer says by a form, and lead back to the case."""
        pair_id, role = request.match_info["pair_id"], request[ROLE]
        back = f"{case_page.address(pair_id)}{case_list.query(wanted_by(request))}#label"
        form = await request.post()
        try:
            label = label_of(form.get("judged"), **{name: form.get(name, "") for name in LONGEST})
            case = await self._asked(lambda pool: labelled(pool, pair_id, label, role))
        except LabelError as error:
            raise web.HTTPBadRequest(reason=str(error)) from None
        if case is None:
            raise web.HTTPNotFound
        raise web.HTTPSeeOther(back)

    async def _asked(self, question: Callable[[SqlitePool], Case | None]) -> Case | None:
        """Raises HTTPNotFound, HTTPServiceUnavailable."""
        try:
            return await self._keeper.ask(question)
        except NoPoolError:
            raise web.HTTPNotFound from None
        except PoolError as error:
            raise web.HTTPServiceUnavailable(reason=str(error)) from None

    def _segments(self) -> tuple[str, ...]:
        return tuple(sorted({row.segment for row in self._control.dossier.segments.rows(most=0)}))


def _status(error: Exception) -> int:
    return 200 if isinstance(error, NoPoolError) else 503


def _offered(analyzers: Sequence[Analyzer], segments: tuple[str, ...], stats: Stats) -> case_list.Offered:
    finding = [each for each in analyzers if each.variables]
    return case_list.Offered(
        variables=sorted(variable for each in finding for variable in each.variables),
        analyzers=sorted(each.name for each in finding),
        labels=sorted({label for each in finding for label in each.labels} - {"ok"}),
        segments=segments,
        strata=sorted(stats.strata),
        formats=FORMATS,
    )


def _whole(case: Case, part: str) -> bytes:
    if part == "request":
        return visible(written(case.request)).encode()
    answer = getattr(case, part)
    return visible("\n\n".join(answered(answer)) if answer is not None else "").encode()


def wanted_by(request: web.Request) -> Filter:
    """The filter that a form has sent: what is empty in it says nothing. Raises HTTPBadRequest."""
    query: Mapping[str, str] = request.query
    try:
        return read({name: value for name, value in query.items() if value})
    except FilterError as error:
        raise web.HTTPBadRequest(reason=str(error)) from None


def place_of(case: Case, wanted: Filter, around: Sequence[Case]) -> Place:
    """Where the case stands on its page of the list, and what is next to it there."""
    rest = case_list.query(wanted)
    at = next((at for at, each in enumerate(around) if each.pair_id == case.pair_id), None)
    previous = around[at - 1] if at else None
    following = around[at + 1] if at is not None and at + 1 < len(around) else None
    onwards = rest if at is None or at + 1 < PAGE else case_list.query(wanted, before=cursor(case, wanted.order))
    return Place(
        back=f"/cases{rest}",
        previous=None if previous is None else f"{case_page.address(previous.pair_id)}{rest}",
        following=None if following is None else f"{case_page.address(following.pair_id)}{onwards}",
        query=rest,
    )
