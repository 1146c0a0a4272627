"""All the cases of a filter as one file that an eval tool reads."""

from __future__ import annotations

import asyncio

from aiohttp import web

from cases.case import Case, dumps
from cases.export import FORMATS, write
from cases.filter import Filter, FilterError, cursor, read
from cases.pool import PoolError
from proxy.cases.keeper import CaseKeeper, NoPoolError
from proxy.cases.sqlite_pool import SqlitePool
from proxy.cases.told import noted
from proxy.control.access import ROLE, error_response
from proxy.control.console.rendering import Rendering

AT_ONCE = 100
"""Cases that the pool is asked for at once: others who ask it wait for no more."""
MOST_BYTES = 64 * 1024 * 1024
"""Largest export, as the cases' own JSON: it is made in memory."""
TYPES = {".jsonl": "application/jsonl", ".zip": "application/zip"}


class TooLargeError(Exception):
    """More than is exported here."""


class Exporting:
    """The handler of /cases/export."""

    def __init__(self, keeper: CaseKeeper, rendering: Rendering) -> None:
        self._keeper = keeper
        self._rendering = rendering
        self._one = asyncio.Lock()
        """Held by the export that is being made: each may take tens of megabytes."""

    async def export(self, request: web.Request) -> web.Response:
        """The file, as something to save."""
        query = {name: value for name, value in request.query.items() if value}
        name, role = query.pop("format", FORMATS[0]), request[ROLE]
        if name not in FORMATS:
            return error_response(400, f"format should be one of {', '.join(FORMATS)}")
        if self._one.locked():
            response = error_response(429, "another export is being made; ask again when it is done")
            response.headers["Retry-After"] = "1"
            return response
        async with self._one:
            return await self._made(name, role, query)

    async def _made(self, name: str, role: str, query: dict[str, str]) -> web.Response:
        try:
            cases = await self._every(read(query))
            await self._keeper.ask(lambda pool: noted(pool, role, "export", f"{len(cases)} cases as {name}"))
        except FilterError as error:
            return error_response(400, str(error))
        except TooLargeError:
            return error_response(400, "too much for one answer; filter more, or use `slipgauge cases export`")
        except NoPoolError as error:
            return error_response(404, str(error))
        except PoolError as error:
            return error_response(503, f"the case pool cannot be used: {error}")
        made = await self._rendering.aside(write, name, cases)
        file, body = await self._rendering.aside(made.single)
        kind = next((kind for end, kind in TYPES.items() if file.endswith(end)), "application/octet-stream")
        response = web.Response(body=body, content_type=kind)
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
        response.headers["X-Slipgauge-Cases"] = str(made.cases)
        response.headers["X-Slipgauge-Left-Out"] = str(sum(made.left_out.values()))
        return response

    async def _every(self, wanted: Filter) -> list[Case]:
        """All that is wanted, whatever the page. Raises TooLargeError, PoolError, NoPoolError."""
        found, size, before = list[Case](), 0, None
        while True:
            part = wanted._replace(limit=AT_ONCE, before=before)

            def look(pool: SqlitePool, part: Filter = part) -> tuple[list[Case], int]:
                cases = pool.find(part)
                return cases, sum(len(dumps(case)) for case in cases)

            cases, more = await self._keeper.ask(look)
            found += cases
            size += more
            if size > MOST_BYTES:
                raise TooLargeError
            if len(cases) < AT_ONCE:
                return found
            before = cursor(cases[-1], wanted.order)
