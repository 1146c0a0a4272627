"""Both arms by themselves: vLLM loads the testbed's files, computes what they say, offers what Slipgauge uses."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from proxy.demo.arms import MODEL, MODELS, Server
from testbed.engine.engine import Limits
from testbed.engine.server import serving
from testbed.tasks import prompts
from tests.vllm.vllm_metrics import metric

ARMS = {"baseline": "fp16", "candidate": "int4-slipping"}
"""Each arm's model directory."""


@pytest.fixture(params=ARMS)
def arm(request: pytest.FixtureRequest, baseline: Server, candidate: Server) -> Server:
    return baseline if request.param == "baseline" else candidate


@pytest_asyncio.fixture(loop_scope="session")
async def embedded(arm: Server) -> AsyncIterator[str]:
    """The URL of the testbed's own engine on the same files."""
    async with serving(MODELS / ARMS[arm.name], name=MODEL, limits=Limits(step_interval=0)) as up:
        yield up.url


async def post(http: aiohttp.ClientSession, url: str, **body: Any) -> dict[str, Any]:
    async with http.post(url, json={"model": MODEL, **body}) as response:
        answer: dict[str, Any] = await response.json()
        assert response.status == 200, answer
        return answer


def drawn(count: int) -> Sequence[dict[str, Any]]:
    return [prompt.body for prompt in islice(prompts(17, count), count)]


async def prompt_logprobs(http: aiohttp.ClientSession, url: str, ids: Sequence[int]) -> list[float]:
    """The log-probability of each token but the first, teacher-forced."""
    answer = await post(http, f"{url}/v1/completions", prompt=ids, max_tokens=1, prompt_logprobs=0)
    entries = answer["choices"][0]["prompt_logprobs"][1:]
    return [entry[str(token)]["logprob"] for entry, token in zip(entries, ids[1:], strict=True)]


async def test_vllm_and_the_embedded_engine_compute_the_same(
    http: aiohttp.ClientSession, arm: Server, embedded: str
) -> None:
    for body in drawn(10):
        asked = {"messages": body["messages"], "tools": body.get("tools")}
        ids = (await post(http, f"{arm.url}/tokenize", **asked))["tokens"]
        assert (await post(http, f"{embedded}/tokenize", **asked))["tokens"] == ids
        ours, theirs = [await prompt_logprobs(http, url, ids) for url in (embedded, arm.url)]
        # bfloat16 keeps 8 bits: single tokens differ by its rounding, their mean hardly.
        assert sum(ours) / len(ours) == pytest.approx(sum(theirs) / len(theirs), abs=0.05)
        assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True) if min(a, b) > -5) < 0.5


async def test_an_arm_answers_the_testbeds_tasks(http: aiohttp.ClientSession, arm: Server) -> None:
    for body in drawn(12):
        answer = await post(http, f"{arm.url}/v1/chat/completions", **body)
        message = answer["choices"][0]["message"]
        assert message["content"] or message["tool_calls"]


async def test_a_seed_repeats_an_answer(http: aiohttp.ClientSession, arm: Server) -> None:
    body = {"prompt": "Anna", "max_tokens": 40, "temperature": 1.5, "ignore_eos": True, "return_token_ids": True}

    async def tokens(seed: int) -> list[int]:
        answer = await post(http, f"{arm.url}/v1/completions", **body, seed=seed)
        ids: list[int] = answer["choices"][0]["token_ids"]
        return ids

    assert await tokens(1) == await tokens(1) != await tokens(2)


async def test_the_metrics_that_slipgauge_reads_are_there(http: aiohttp.ClientSession, arm: Server) -> None:
    for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "generation_tokens_total"):
        assert math.isfinite(await metric(http, arm.url, f"vllm:{name}", model_name=MODEL))


async def test_the_fingerprint_can_be_read(http: aiohttp.ClientSession, arm: Server) -> None:
    async with http.get(f"{arm.url}/v1/models") as response:
        (model,) = (await response.json())["data"]
    async with http.get(f"{arm.url}/version") as response:
        assert (await response.json())["version"] == "0.32.0"
    assert (model["id"], model["max_model_len"]) == (MODEL, 1024)
    assert model["root"] == str(MODELS / ARMS[arm.name])
