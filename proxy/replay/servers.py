"""A configuration from two addresses: what each server calls its model is read from `/v1/models`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from pydantic import ValidationError

from proxy.config import Config

TIMEOUT = aiohttp.ClientTimeout(total=10.0)
MAX_BYTES = 1024 * 1024


class ServersError(Exception):
    """What to ask the servers for cannot be known; the message says why, and what would be right."""


async def configuration(models: Iterable[str], urls: Mapping[str, str], names: Mapping[str, str | None]) -> Config:
    """The defaults, with these two servers. `urls` and `names`, of the model to ask for, are by arm.

    A model that neither has a given name nor is served under its own is taken to be the only one that is served.
    Raises ServersError.
    """
    listed = {arm: await _listed(arm, urls[arm], names[arm]) for arm in urls}
    called = {model: {arm: _name(arm, model, listed[arm], names[arm]) for arm in urls} for model in models}
    try:
        return Config.model_validate({**{arm: {"url": url} for arm, url in urls.items()}, "models": called})
    except ValidationError as error:
        raise ServersError("; ".join(problem["msg"] for problem in error.errors())) from None


def _name(arm: str, model: str, listed: tuple[str, ...], given: str | None) -> str:
    if given is not None or model in listed:
        return given or model
    if len(listed) == 1:
        return listed[0]
    raise ServersError(
        f"the {arm} serves {', '.join(listed[:10]) or 'no model'}, and not {model}: say which by --{arm}-model"
    )


async def _listed(arm: str, url: str, given: str | None) -> tuple[str, ...]:
    if given is not None:
        return ()
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.get(f"{url.rstrip('/')}/v1/models", allow_redirects=False) as response,
        ):
            response.raise_for_status()
            told: Any = orjson.loads(await response.content.read(MAX_BYTES))
        return tuple(str(each["id"]) for each in told["data"])
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__} at {url}/v1/models"
        raise ServersError(f"the {arm} does not say what it serves ({why}): name it by --{arm}-model") from None


def part(file: Path, config: Config) -> Path:
    """Where the answers of these servers to this file's requests are kept until all are there."""
    asked = [(arm.url, sorted(config.models.items())) for arm in (config.baseline, config.candidate)]
    return file.with_name(f"{file.name}.{blake2b(repr(asked).encode(), digest_size=4).hexdigest()}.part")
