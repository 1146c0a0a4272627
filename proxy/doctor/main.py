"""Asks every server of both arms, and has it examined."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from time import perf_counter

import aiohttp

from proxy.config import Arm, Config
from proxy.credentials import authorization
from proxy.doctor import checks, engine, parsers, sampling, tokens
from proxy.doctor.asker import Asker
from proxy.doctor.checks import Result
from proxy.doctor.fact import Fact, Reading
from proxy.tls import arm_tls


class DoctorError(Exception):
    """Servers that answer nothing; the text names them all."""


async def examine(config: Config) -> tuple[Result, ...]:
    """What every check comes to. Raises DoctorError where a server cannot be asked."""
    arms: dict[str, Arm] = {"baseline": config.baseline, "candidate": config.candidate}
    async with AsyncExitStack() as stack:
        askers: list[tuple[str, Asker]] = []
        for name, arm in arms.items():
            session = await stack.enter_async_context(_session(arm))
            model = next(iter(_names(config, name).values()))
            askers += [(name, Asker(session, url, model)) for url in arm.url]
        paths = {name: arm.health.path for name, arm in arms.items()}
        await _all_there(askers, paths)
        near = [await _near(asker, paths[name]) for name, asker in askers]  # by itself: all else would slow it
        told = await asyncio.gather(*(_facts(asker, _names(config, name)) for name, asker in askers))
    return checks.examine(
        [
            Reading(name, asker.url, {**first, **rest})
            for (name, asker), first, rest in zip(askers, near, told, strict=True)
        ]
    )


def _session(arm: Arm) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=arm_tls(arm) or True, force_close=True)
    return aiohttp.ClientSession(connector=connector, headers=authorization(arm))


def _names(config: Config, arm: str) -> dict[str, str]:
    """What each model that clients name is called on an arm."""
    return {client: getattr(names, arm) or client for client, names in config.models.items()}


async def _all_there(askers: list[tuple[str, Asker]], paths: Mapping[str, str]) -> None:
    answers = [(f"{name} {asker.url}", await asker.get(paths[name])) for name, asker in askers]
    if silent := [f"{server}: {answer.unseen().why}" for server, answer in answers if not answer.status]:
        raise DoctorError("\n".join(silent))


async def _near(asker: Asker, path: str) -> dict[str, Fact]:
    return {
        "health": engine.health(await asker.get(path)),
        "round trip": await engine.round_trip(asker, path, perf_counter),
    }


async def _facts(asker: Asker, names: Mapping[str, str]) -> dict[str, Fact]:
    """All else. The tokenizer and what follows are asked of the first model alone."""
    listed, page = await asker.get("/v1/models"), await asker.get("/metrics")
    return {
        "model names": engine.names(listed, names),
        "version": engine.version(await asker.get("/version")),
        "max length": engine.lengths(listed, names),
        "tokenizer": await tokens.tokenizer(asker),
        "chat template": await tokens.template(asker),
        "generation defaults": await sampling.defaults(asker),
        "parsers": await parsers.parsers(asker),
        "speculative decoding": engine.speculation(page),
        "KV cache": engine.cache(page, {"dtype": "cache_dtype", "block size": "block_size"}),
        "prefix caching": engine.cache(page, {"enabled": "enable_prefix_caching"}),
        "prompt_logprobs": await engine.prompt_logprobs(asker),
    }
