"""Whether clients would be answered: the gateway accepts, and the baseline is there. Nothing else counts."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import aiohttp

from proxy.config import Arm
from proxy.probe import problem
from proxy.tasks import cancel, spawn
from proxy.tls import arm_tls

PROBE_TIMEOUT = 2.0
REMEMBER = 1.0
"""Seconds for which one probe's answer serves everybody who asks."""


class Probe(Protocol):
    """Looks at one server."""

    async def problem(self) -> str | None:
        """None where it answers, else what is wrong in a few words. Never raises but on cancellation."""
        ...


class Baseline:
    """Asks the baseline's servers for their `health.path`; one that answers is enough.

    A caller that is cancelled takes its probe with it; the next one probes anew.
    """

    def __init__(self, settings: Arm) -> None:
        self._session, self._urls = _means(settings)
        self._lock = asyncio.Lock()
        self._asked = float("-inf")
        self._problem: str | None = None

    async def use(self, settings: Arm) -> None:
        """Ask these servers from now on."""
        async with self._lock:
            await self._session.close()
            self._session, self._urls = _means(settings)
            self._asked = float("-inf")

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._session.close()

    async def problem(self) -> str | None:
        """See `Probe.problem`."""
        async with self._lock:
            if time.monotonic() - self._asked >= REMEMBER:
                self._problem = await self._probe()
                self._asked = time.monotonic()
            return self._problem

    async def _probe(self) -> str | None:
        asked = {spawn(problem(self._session, url, PROBE_TIMEOUT), name=f"probe {url}") for url in self._urls}
        found: str | None = None
        try:
            while asked:
                done, asked = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if (found := task.result()) is None:
                        return None
        finally:
            await cancel(*asked)
        return f"the baseline {found}"


def _means(settings: Arm) -> tuple[aiohttp.ClientSession, list[str]]:
    """A session that trusts the arm as it is to be trusted, and what to ask."""
    connector = aiohttp.TCPConnector(ssl=arm_tls(settings) or True)
    return aiohttp.ClientSession(connector=connector), [
        url.rstrip("/") + settings.health.path for url in settings.url
    ]
