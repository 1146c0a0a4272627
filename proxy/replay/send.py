"""Sends recorded requests to both servers of a configuration, as mirrors are sent, and keeps what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

import aiohttp
import orjson

from analyzers.pair import Capture, CapturedPair, End
from proxy.config import Config
from proxy.credentials import authorization
from proxy.gateway.arms.arm import Arm
from proxy.gateway.eligibility import RESPONSES, TooIntricateError, stands_alone
from proxy.gateway.outgoing import Target, target_of
from proxy.tasks import cancel, spawn

AT_ONCE = 8
"""Requests at once to each server."""


class Sender:
    """Asks both arms. Make it by `sending`."""

    def __init__(self, config: Config, arms: dict[str, Arm], session: aiohttp.ClientSession) -> None:
        self._arms = arms
        self._targets: dict[str, Target] = {n: target_of(n, arm.settings, config) for n, arm in arms.items()}
        self._models = frozenset(config.models)
        self._limits = config.mirror
        self._session = session

    def problem(self, pair: CapturedPair) -> str | None:
        """Why a request may not be sent; None where it may."""
        body = orjson.loads(pair.body)
        if pair.path not in self._limits.paths:
            return f"path {pair.path} is not in mirror.paths"
        if body.get("model") not in self._models:
            return f"model {body.get('model')!r} is not in models"
        try:
            return None if stands_alone(body) else "it leans on one server, or acts on the world"
        except TooIntricateError:
            return "too much in it may hold media"

    async def answered(self, pairs: Iterable[CapturedPair]) -> AsyncIterator[CapturedPair]:
        """Each pair with both answers, as soon as it has them."""
        waiting, slots = iter(pairs), AT_ONCE
        running: set[asyncio.Task[CapturedPair]] = set()
        try:
            while True:
                while len(running) < slots and (pair := next(waiting, None)) is not None:
                    running.add(spawn(self._both(pair), name="replay"))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield await task
        finally:
            await cancel(*running)

    async def _both(self, pair: CapturedPair) -> CapturedPair:
        baseline, candidate = await asyncio.gather(self._one("baseline", pair), self._one("candidate", pair))
        return replace(pair, baseline=baseline, candidate=candidate)

    async def _one(self, name: str, pair: CapturedPair) -> Capture:
        arm, target, body = self._arms[name], self._targets[name], orjson.loads(pair.body)
        body["model"] = target.name_of(body["model"])
        if pair.path.encode() == RESPONSES:
            body["store"] = False
        headers = {
            "Content-Type": "application/json",
            "X-Slipgauge-Leg": "mirror",
            **authorization(arm.settings),
        }
        server, began = arm.servers.choose(monotonic()), monotonic()
        server.outstanding += 1
        try:
            async with self._session.post(
                server.url.rstrip("/") + pair.path,
                data=orjson.dumps(body),
                headers=headers,
                ssl=arm.tls or True,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._limits.deadline),
            ) as response:
                answer = await response.read()
                content_type = response.headers.get("Content-Type", "")
                return Capture(End.COMPLETE, response.status, content_type, "", answer, (), monotonic() - began)
        except TimeoutError:
            return Capture(End.DEADLINE)
        except aiohttp.ClientConnectorError:
            return Capture(End.REFUSED)
        except aiohttp.ClientError:
            return Capture(End.RESET)
        finally:
            server.outstanding -= 1


@asynccontextmanager
async def sending(config: Config, arms: dict[str, Arm]) -> AsyncIterator[Sender]:
    """A sender to these arms, until the block is left."""
    # uvicorn, under vLLM, closes idle connections after 5 s: ours must be gone by then.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=3.0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Sender(config, arms, session)
