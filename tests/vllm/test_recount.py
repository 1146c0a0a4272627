"""The tables that Slipgauge shows are those that anyone counts who has the raw answers of both servers."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from analyzers import registry
from analyzers.finding import Finding
from analyzers.pair import Capture, CapturedPair
from analyzers.reading import read_pair
from analyzers.scoring import judge
from proxy.config import Analysis
from proxy.demo.arms import MODEL, Server
from testbed.tasks import prompts
from tests.vllm.recorder import recording
from tests.vllm.stand import running_gateway

PROMPTS = 400
CONCURRENCY = 16
SCORED_WITHIN = 120.0
"""Seconds from the last answer to the last finding."""
TELLING = ("slipgauge_ledger_total", "slipgauge_analyses_total", "slipgauge_queue_dropped_total")
PATH = "/v1/chat/completions"

Table = dict[str, Counter[tuple[str, str]]]


def bodies() -> list[dict[str, Any]]:
    """The requests: every third is streamed."""
    return [
        {"model": MODEL, **prompt.body, "user": str(number), "stream": number % 3 == 0}
        for number, prompt in enumerate(prompts(400, PROMPTS))
    ]


async def send(http: aiohttp.ClientSession, url: str, asked: list[dict[str, Any]]) -> list[bytes]:
    """Each body to the gateway, and the bytes that came back."""
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(body: dict[str, Any]) -> bytes:
        async with slots, http.post(url + PATH, json=body) as response:
            assert response.status == 200
            return await response.read()

    return await asyncio.gather(*map(one, asked))


async def counted(http: aiohttp.ClientSession, admin: str) -> Table:
    """The 2x2 tables at `/metrics`, once every pair has been scored. Fails where some never are."""
    until = asyncio.get_running_loop().time() + SCORED_WITHIN
    while True:
        async with http.get(f"{admin}/metrics") as response:
            text = await response.text()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        tables: Table = {}
        for sample in families["slipgauge_findings"].samples:
            if sample.name.endswith("_total"):
                table = tables.setdefault(sample.labels["analyzer"], Counter())
                cell = sample.labels["baseline"], sample.labels["candidate"]
                if "not_applicable" not in cell:
                    table[cell] += int(sample.value)
        if sum(tables["served"].values()) == PROMPTS:
            return tables
        if asyncio.get_running_loop().time() > until:
            told = [line for line in text.splitlines() if line.startswith(TELLING) and not line.endswith(" 0.0")]
            pytest.fail("\n".join(("not every pair has been scored", *told)))
        await asyncio.sleep(0.2)


def recount(asked: list[dict[str, Any]], baseline: dict[str, Capture], candidate: dict[str, Capture]) -> Table:
    """The same tables from the recorded bytes."""
    analyzers = registry.load(Analysis().enabled)
    tables: Table = {variable: Counter() for analyzer in analyzers for variable in analyzer.variables}
    for body in asked:
        user = body["user"]
        captured = CapturedPair(user, user, "baseline", PATH, orjson.dumps(body), baseline[user], candidate[user])
        pair = read_pair(captured)
        for analyzer in analyzers:
            if isinstance(finding := judge(analyzer, pair), Finding):
                tables[finding.variable][finding.baseline.outcome, finding.candidate.outcome] += 1
    return tables


async def test_the_tables_equal_a_recount_from_the_raw_answers(
    baseline: Server, candidate: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    asked = bodies()
    async with (
        recording(baseline.url) as (first, first_url),
        recording(candidate.url) as (second, second_url),
        running_gateway(tmp_path, first_url, second_url) as gateway,
    ):
        received = await send(http, gateway.url, asked)
        shown = await counted(http, gateway.admin)
        async with http.get(f"{gateway.admin}/ledger") as response:
            ledger = await response.json()
    assert received == [first.answers[body["user"]].body for body in asked]
    assert (ledger["states"]["paired"], ledger["total"], ledger["balanced"]) == (PROMPTS, PROMPTS, True)
    assert shown == recount(asked, first.answers, second.answers)
    assert sum(shown["math.checked"].values()) > PROMPTS / 10
