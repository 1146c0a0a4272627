"""The case pool at the admin port, for programs. docs/http.md describes every endpoint.

A list holds no texts. One case does, and whoever reads one is in the access log before it is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from cases.case import LONGEST
from cases.filter import FilterError, cursor, read
from cases.pool import PoolError
from proxy.cases.keeper import CaseKeeper, NoPoolError
from proxy.cases.sqlite_pool import SqlitePool
from proxy.cases.told import LabelError, label_of, labelled, noted, summary, told
from proxy.control.access import ROLE, error_response, json_body, json_response


class CaseEndpoints:
    """The handlers of /cases. Answers 404 where no cases are kept, 503 where the pool cannot be used."""

    def __init__(self, keeper: CaseKeeper) -> None:
        self._keeper = keeper

    async def list(self, request: web.Request) -> web.Response:
        """The cases that the query's filter lets through, without texts, and the cursor of those after them."""
        try:
            wanted = read(request.query)
        except FilterError as error:
            return error_response(400, str(error))

        def answer(pool: SqlitePool) -> web.Response:
            found = pool.find(wanted)
            following = cursor(found[-1], wanted.order) if len(found) == wanted.limit else None
            return json_response({"cases": [summary(case) for case in found], "next": following})

        return await self._answer(answer)

    async def one(self, request: web.Request) -> web.Response:
        """One case with its texts."""
        pair_id, by = request.match_info["pair_id"], request[ROLE]

        def answer(pool: SqlitePool) -> web.Response:
            case = pool.get(pair_id)
            if case is None:
                return _no_such(pair_id)
            noted(pool, by, "read", f"case {pair_id}")
            return json_response(told(case))

        return await self._answer(answer)

    async def label(self, request: web.Request) -> web.Response:
        """Note what a reviewer says of a case."""
        pair_id, role = request.match_info["pair_id"], request[ROLE]
        said = await json_body(request)
        if not isinstance(said, dict) or not said.keys() <= {"judged", *LONGEST}:
            return error_response(400, f'the body should be {{"judged": "..."}}, and may have {", ".join(LONGEST)}')
        try:
            label = label_of(**{"judged": None, "by": role} | said)
        except LabelError as error:
            return error_response(400, str(error))

        def answer(pool: SqlitePool) -> web.Response:
            try:
                case = labelled(pool, pair_id, label, role)
            except LabelError as error:
                return error_response(400, str(error))
            if case is None:
                return _no_such(pair_id)
            return json_response({"pair_id": pair_id, "labels": [asdict(each) for each in case.labels]})

        return await self._answer(answer)

    async def _answer(self, question: Callable[[SqlitePool], web.Response]) -> web.Response:
        try:
            return await self._keeper.ask(question)
        except NoPoolError as error:
            return error_response(404, str(error))
        except PoolError as error:
            return error_response(503, f"the case pool cannot be used: {error}")


def _no_such(pair_id: str) -> web.Response:
    return error_response(
        404, f"no case {pair_id[:80]!r} is kept; it may have made room for others, or been erased"
    )
