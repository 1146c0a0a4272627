"""Asks every server of an arm how it is: its health, and how busy it is."""

from __future__ import annotations

import asyncio
import random
from time import monotonic

import aiohttp

from proxy.credentials import authorization
from proxy.descriptors import none_left
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.exposition import PAGE_BYTES, Load, load_of
from proxy.gateway.arms.servers import Server
from proxy.probe import problem
from proxy.tasks import cancel, spawn

PATIENCE = 2.0
"""Seconds for a server's metrics."""
SELDOM = 10
"""A server whose metrics say nothing is asked this many times less often; most have none."""
REFRESH = 0.5
"""Seconds between two looks at what time alone has changed."""
_NOTHING = Load(None, None)


class Watch:
    """Tells `arm` what its servers say, from `start` to `close`. It sends the arm's own key, as every leg does."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._former: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        settings, name = self._arm.settings, self._arm.name
        self._session = aiohttp.ClientSession(
            # uvicorn, under vLLM, closes idle connections after 5 s: ours must be gone by then.
            connector=aiohttp.TCPConnector(ssl=self._arm.tls or True, keepalive_timeout=3.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", **authorization(settings)},
            auto_decompress=False,
        )
        self._tasks.append(spawn(self._refresh(), name=f"refresh {name}"))
        for server in self._arm.servers.all:
            if settings.health.every:
                self._tasks.append(spawn(self._check(self._session, server), name=f"check {name} {server.name}"))
            if settings.extra.every and (settings.extra.waiting is not None or settings.extra.kv_usage is not None):
                self._tasks.append(spawn(self._listen(self._session, server), name=f"load of {name} {server.name}"))

    def restart(self) -> None:
        """Begin anew, as the arm's settings are now."""
        tasks, session = self._tasks, self._session
        self._tasks = []
        self.start()
        self._former = spawn(_end(tasks, session), name=f"end the former watch of {self._arm.name}")

    async def close(self) -> None:
        """Ask no more."""
        if self._former is not None:
            await self._former
        tasks, self._tasks = self._tasks, []
        await _end(tasks, self._session)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            self._arm.refresh(monotonic())

    async def _check(self, session: aiohttp.ClientSession, server: Server) -> None:
        health = self._arm.settings.health
        await asyncio.sleep(_jittered(health.every) / 2)
        while True:
            found = await problem(session, server.url.rstrip("/") + health.path, health.timeout)
            if found is None or not none_left():  # else nobody was asked
                self._arm.checked(server, found)
            await asyncio.sleep(_jittered(health.every))

    async def _listen(self, session: aiohttp.ClientSession, server: Server) -> None:
        every = self._arm.settings.extra.every
        while True:
            load = await _load(session, server.url.rstrip("/") + "/metrics")
            self._arm.said(server, load, monotonic())
            await asyncio.sleep(_jittered(every * SELDOM if load == _NOTHING else every))


async def _end(tasks: list[asyncio.Task[None]], session: aiohttp.ClientSession | None) -> None:
    await cancel(*tasks)
    if session is not None:
        await session.close()


async def _load(session: aiohttp.ClientSession, url: str) -> Load:
    """What a server's metrics say; nothing where it has none, is silent, or sends more than may be read."""
    page = bytearray()
    try:
        async with session.get(
            url, timeout=aiohttp.ClientTimeout(total=PATIENCE), allow_redirects=False
        ) as response:
            if response.status != 200:
                return _NOTHING
            async for piece in response.content.iter_any():
                page += piece
                if len(page) > PAGE_BYTES:
                    return _NOTHING
    except (aiohttp.ClientError, OSError):  # TimeoutError is one
        return _NOTHING
    return load_of(bytes(page))


def _jittered(seconds: float) -> float:
    """So that gateways started together do not ask together."""
    return seconds * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
