"""The admin port of a process of any role."""

from __future__ import annotations

import asyncio

from aiohttp import web

from proxy.address import Address, parse_address
from proxy.config import Config
from proxy.control.door import MOST, Door
from proxy.processes.plane import listen


class AdminSite:
    """The admin port, with one application at a time."""

    def __init__(self, config: Config, door: Door | None = None) -> None:
        self._listen = config.admin.listen
        self.address = parse_address(config.admin.listen)
        """After `show` with the real port where 0 was asked for."""
        self._door = door or Door()
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    async def show(self, app: web.Application) -> None:
        """Serve this application from now on. Raises StartError where the address cannot be had."""
        await self.close()
        app.middlewares.insert(0, self._door.middleware)
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        await listen(self._open(self._runner), "admin.listen", self._listen)

    async def close(self) -> None:
        """Serve nothing more. Safe to call twice."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _open(self, runner: web.AppRunner) -> None:
        """Listen. Raises OSError."""
        assert runner.server is not None  # noqa: S101 - it is set up
        protocols = self._door.protocols(runner.server)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(protocols, self.address.host, self.address.port, backlog=MOST)
        self.address = Address(*self._server.sockets[0].getsockname()[:2])
