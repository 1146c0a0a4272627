"""A client in a process of its own, so that the gateway's event loop is the gateway's.

    python -m grafana.stand.traffic URL SEED COUNT

A third of the requests is streamed, and of five in a row the last two are one session's.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import orjson

from proxy.demo.arms import MODEL
from testbed.tasks import prompts

PATH = "/v1/chat/completions"
AT_ONCE = 16
TURNS = 5


async def send(url: str, seed: int, count: int) -> None:
    """Send so many of the testbed's requests, and read every answer to its end."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(session: aiohttp.ClientSession, number: int, body: dict[str, Any]) -> None:
        body = {"model": MODEL, **body}
        if number % 3 == 0:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        same = number - (number % TURNS == TURNS - 1)
        headers = {"Content-Type": "application/json", "X-Session-Id": f"stand-{seed}-{same}"}
        async with slots, session.post(PATH, data=orjson.dumps(body), headers=headers) as response:
            await response.read()

    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        asked = [one(session, number, prompt.body) for number, prompt in enumerate(prompts(seed, count))]
        await asyncio.gather(*asked)


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
