"""What an arm serves, as its servers say: version, and each model's root and longest context.

vLLM tells its version at `/version` and its models at `/v1/models` (`root`, `max_model_len`); other servers tell
some of it or nothing. What a server says is hostile input: read within bounds, and cut down to plain characters.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from hashlib import blake2b
from typing import Any

import aiohttp
import orjson

from proxy.config import Arm, Config
from proxy.credentials import authorization
from proxy.tls import arm_tls

EVERY = 30.0
"""Seconds between two readings."""
TIMEOUT = aiohttp.ClientTimeout(total=5.0)
MAX_BYTES = 1024 * 1024
MAX_CHARS = 1_000
"""Most characters of one server's answers; the audit log keeps them whenever they change."""
_UNPLAIN = re.compile(r"[^\w./:+-]", re.ASCII)


async def watch(config: Callable[[], Config], told: Callable[[dict[str, str | None]], Awaitable[object]]) -> None:
    """Read both arms now and then, for ever; `told` is given what was read, by arm."""
    while True:
        now = config()
        arms = {"baseline": now.baseline, "candidate": now.candidate}
        read = await asyncio.gather(*(fingerprint(arm, _served(now, name)) for name, arm in arms.items()))
        await told(dict(zip(arms, read, strict=True)))
        await asyncio.sleep(EVERY)


def _served(config: Config, arm: str) -> set[str]:
    """What the models are called on an arm."""
    return {getattr(names, arm) or model for model, names in config.models.items()}


async def fingerprint(arm: Arm, models: Iterable[str]) -> str | None:
    """What the arm's servers say that they serve under these names; None where none of them says anything.

    Servers that differ, as in the middle of an upgrade, all stand in it. One that cannot be read now says nothing.
    """
    connector = aiohttp.TCPConnector(ssl=arm_tls(arm) or True)
    async with aiohttp.ClientSession(connector=connector, headers=authorization(arm), timeout=TIMEOUT) as session:
        told = await asyncio.gather(*(_of_server(session, url.rstrip("/"), set(models)) for url in arm.url))
    found = sorted({each for each in told if each})
    return " | ".join(found) or None


async def _of_server(session: aiohttp.ClientSession, url: str, models: set[str]) -> str:
    try:
        version, listed = await asyncio.gather(_read(session, f"{url}/version"), _read(session, f"{url}/v1/models"))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return ""  # half of it would be taken for a change
    return describe(version, listed, models)


async def _read(session: aiohttp.ClientSession, url: str) -> Any:
    """What is there; None where the server has nothing of that name. Raises where it may have."""
    async with session.get(url, allow_redirects=False) as response:
        if response.status in (404, 405):
            return None
        response.raise_for_status()
        body = b""
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > MAX_BYTES:
                raise ValueError("more than a server has to say")
        return orjson.loads(body)


def describe(version: Any, listed: Any, models: set[str]) -> str:
    """Both answers in a few words; empty where they say nothing. Pure."""
    known = isinstance(version, dict) and isinstance(version.get("version"), str)
    first = [f"version {_plain(version['version'])}"] if known else []
    parts = []
    data = listed.get("data") if isinstance(listed, dict) else None
    for model in data if isinstance(data, list) else ():
        if isinstance(model, dict) and model.get("id") in models:
            root, longest = model.get("root"), model.get("max_model_len")
            named = f"{_plain(model['id'])}={_plain(root)}" if isinstance(root, str) else _plain(model["id"])
            parts.append(f"{named} {longest}" if isinstance(longest, int) else named)
    told = ", ".join([*first, *sorted(set(parts))])
    if len(told) <= MAX_CHARS:
        return told
    digest = blake2b(told.encode(), digest_size=6).hexdigest()
    return f"{told[:MAX_CHARS]}... {digest}"


def _plain(text: str) -> str:
    return _UNPLAIN.sub("_", text)[:200]
