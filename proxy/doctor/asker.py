"""Asks one server, within bounds: what it says is hostile input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from proxy.doctor.fact import Answer

TIMEOUT = aiohttp.ClientTimeout(total=120.0, connect=5.0)
MAX_BYTES = 8 * 1024 * 1024
"""Most bytes of an answer that are read; a page of metrics has some hundred kB."""


class Asker:
    """One server at `url`, where the model is called `model`. Ask one thing after the other: none sways another."""

    def __init__(self, session: aiohttp.ClientSession, url: str, model: str) -> None:
        self._session = session
        self.url = url.rstrip("/")
        self.model = model

    async def get(self, path: str) -> Answer:
        """What a path answers. Raises nothing but on cancellation."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """What a path answers to this body, which is given the model's name. Raises nothing but on cancellation."""
        return await self._ask("POST", path, orjson.dumps({"model": self.model, **body}))

    async def _ask(self, method: str, path: str, data: bytes | None) -> Answer:
        headers = {"Content-Type": "application/json"} if data is not None else {}
        try:
            async with self._session.request(
                method, self.url + path, data=data, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                body = b""
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > MAX_BYTES:
                        return Answer(0, b"it answers more than can be read")
                return Answer(response.status, body)
        except TimeoutError:
            return Answer(0, b"it does not answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(0, f"it cannot be reached ({type(error).__name__})".encode())
