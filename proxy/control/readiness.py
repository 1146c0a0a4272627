"""Whether clients would be answered: the gateway accepts, and the baseline is there. Nothing else counts."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import aiohttp

PROBE_TIMEOUT = 2.0
REMEMBER = 1.0
"""Seconds for which one probe's answer serves everybody who asks."""


class Probe(Protocol):
    """Looks at one server."""

    async def problem(self) -> str | None:
        """None where it answers, else what is wrong in a few words. Never raises but on cancellation."""
        ...


class Baseline:
    """Asks the baseline's `/health`, as vLLM serves it.

    Any answer below 500 will do, since other servers may lack the path. A caller that is cancelled takes its probe
    with it; the next one probes anew.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/") + "/health"
        self._lock = asyncio.Lock()
        self._asked = float("-inf")
        self._problem: str | None = None

    async def problem(self) -> str | None:
        """See `Probe.problem`."""
        async with self._lock:
            if time.monotonic() - self._asked >= REMEMBER:
                self._problem = await self._probe()
                self._asked = time.monotonic()
            return self._problem

    async def _probe(self) -> str | None:
        timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT)
        try:
            async with self._session.get(self._url, timeout=timeout, allow_redirects=False) as response:
                return f"the baseline answers {response.status}" if response.status >= 500 else None
        except TimeoutError:
            return f"the baseline is silent for {PROBE_TIMEOUT:g} s"
        except aiohttp.ClientError as error:
            return f"the baseline cannot be reached ({type(error).__name__})"
