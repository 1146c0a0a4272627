"""Cases of real traffic: the testbed's requests, answered by both of its models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson

from analyzers.pair import Capture, CapturedPair, End
from analyzers.reading import read_pair
from cases.case import Case
from cases.redaction import redact
from proxy.demo.arms import MODEL, MODELS, Server, serving
from testbed.tasks import Prompt, prompts

CHAT = "/v1/chat/completions"
AT_ONCE = 8


class Stand(NamedTuple):
    """Both servers, and the cases they gave."""

    baseline: str
    candidate: str
    cases: Sequence[Case]


@asynccontextmanager
async def standing(count: int, logs: Path) -> AsyncIterator[Stand]:
    """fp16 and the slipping int4, up until the block is left, with a case of each of `count` requests."""
    models = {"baseline": MODELS / "fp16", "candidate": MODELS / "int4-slipping"}
    async with serving("embedded", models, logs) as servers, aiohttp.ClientSession() as session:
        slots = asyncio.Semaphore(AT_ONCE)
        asked = (_case(session, slots, servers, f"p{n}", prompt) for n, prompt in enumerate(prompts(5, count)))
        yield Stand(servers[0].url, servers[1].url, await asyncio.gather(*asked))


async def _case(
    session: aiohttp.ClientSession, slots: asyncio.Semaphore, servers: Sequence[Server], name: str, prompt: Prompt
) -> Case:
    body = orjson.dumps({"model": MODEL, **prompt.body})

    async def answer(server: Server) -> Capture:
        headers = {"Content-Type": "application/json"}
        async with slots, session.post(server.url + CHAT, data=body, headers=headers) as response:
            return Capture(End.COMPLETE, response.status, "application/json", body=await response.read())

    baseline, candidate = await asyncio.gather(*map(answer, servers))
    pair = read_pair(CapturedPair(name, name, "baseline", CHAT, body, baseline, candidate))
    return Case(
        pair_id=name,
        at="2026-01-02T03:04:05Z",
        subject="",
        session=name,
        primary="baseline",
        state="paired",
        inclusion=1.0,
        revision="slipping",
        path=CHAT,
        **redact(pair)._asdict(),
    )
