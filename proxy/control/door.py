"""The door of the admin port: how many are in at once, and how long each may take to say what it wants.

aiohttp bounds neither, and whoever says nothing holds a file descriptor all the same, of which clients need some.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

MOST = 256
"""Connections at once; a new one beyond them is closed."""
PATIENCE = 10.0
"""Seconds that a connection's first head has, and as many again each request's body."""
IDLE = 75.0
"""Seconds from an answer until the next head on its connection is whole: longer than scrapers and proxies wait."""
SAID_EVERY = 60.0
"""Seconds between two lines in the log that say how many were turned away."""

_log = structlog.get_logger(__name__)


class LateError(TimeoutError):
    """The body was not whole in time. A TimeoutError, so that aiohttp waits no longer for the rest of it."""


class Door:
    """Have the application use `middleware`, outermost, and listen with `protocols` of its server.

    `most` connections at once; `patience` in seconds, as PATIENCE.
    """

    def __init__(self, most: int = MOST, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._most = most
        self._inside: set[_Connection] = set()
        self._turned_away = 0
        self._said = float("-inf")

    def protocols(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """What `loop.create_server` makes a protocol by, for each connection."""
        return lambda: _Connection(self, server)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note that the head is there, and end the wait for a body that is not whole in time by LateError."""
        if isinstance(request.protocol, _Connection):
            request.protocol.heard()
        late = asyncio.get_running_loop().call_later(self.patience, self._give_up, request)
        try:
            return await handler(request)
        finally:
            late.cancel()  # of a body that nobody asked for aiohttp awaits the rest, for its own lingering_time

    def enter(self, connection: _Connection) -> bool:
        """Let a new connection in, where there is room."""
        if len(self._inside) < self._most:
            self._inside.add(connection)
            return True
        self._turned_away += 1
        if time.monotonic() - self._said >= SAID_EVERY:
            _log.warning("connections to the admin port turned away", count=self._turned_away, most=self._most)
            self._said, self._turned_away = time.monotonic(), 0
        return False

    def leave(self, connection: _Connection) -> bool:
        """Make room again. Returns whether it had been let in."""
        inside = connection in self._inside
        self._inside.discard(connection)
        return inside

    def _give_up(self, request: web.Request) -> None:
        if not request.content.is_eof():
            request.content.set_exception(LateError(f"the body was not whole within {self.patience:g} s"))


class _Connection(web.RequestHandler):
    """aiohttp's, if it is let in, and for as long as its first head may take."""

    def __init__(self, door: Door, server: web.Server) -> None:
        settings: dict[str, Any] = {"access_log": None, "keepalive_timeout": IDLE}
        super().__init__(server, loop=asyncio.get_running_loop(), **settings)
        self._door = door
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._door.enter(self):
            transport.close()
            return
        super().connection_made(transport)
        self._deadline = asyncio.get_running_loop().call_later(self._door.patience, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.heard()
        if self._door.leave(self):
            super().connection_lost(exc)

    def heard(self) -> None:
        """Note that a head is there; for those that follow on the connection aiohttp waits no longer than IDLE."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
