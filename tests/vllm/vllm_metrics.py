"""What a vLLM server says of itself at `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.vllm.asked import LONG


async def metric(http: aiohttp.ClientSession, url: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples that carry these labels. Fails where there is none."""
    async with http.get(f"{url}/metrics") as response:
        text = await response.text()
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert found, f"no {name} with {labels}"
    return sum(found)


async def running(http: aiohttp.ClientSession, url: str) -> float:
    """How many requests the server works on."""
    return await metric(http, url, "vllm:num_requests_running")


@asynccontextmanager
async def cut_short(http: aiohttp.ClientSession, url: str, tokens: int = LONG) -> AsyncIterator[None]:
    """Expect that a request for so many tokens begins in this block, and that its end stops the server's work."""
    before = await metric(http, url, "vllm:generation_tokens_total")
    yield
    while await running(http, url):  # noqa: ASYNC110 (another process tells no event)
        await asyncio.sleep(0.05)
    assert await metric(http, url, "vllm:generation_tokens_total") - before < tokens
