"""The unmodified `anthropic` client against real vLLM's `/v1/messages`, and against Slipgauge in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import pytest_asyncio

from proxy.demo.arms import MODEL, Server
from tests.vllm.asked import ERRAND, LONG, QUESTION, TOOL_NAMES, TOOLS
from tests.vllm.vllm_metrics import cut_short

GREEDY = {"temperature": 0}
"""The client has no such parameter."""


@pytest_asyncio.fixture(loop_scope="session")
async def claude(base_url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=base_url, api_key="none", max_retries=0, timeout=240) as client:
        yield client


async def test_a_message_is_answered_and_streamed(claude: anthropic.AsyncAnthropic) -> None:
    request: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "max_tokens": 80, "extra_body": GREEDY}
    answer = await claude.messages.create(**request)
    (block,) = answer.content
    assert block.type == "text"
    assert block.text
    async with claude.messages.stream(**request) as stream:
        assert "".join([text async for text in stream.text_stream]) == block.text
        final = await stream.get_final_message()
    assert final.usage.output_tokens == answer.usage.output_tokens


async def test_a_tool_is_called(claude: anthropic.AsyncAnthropic) -> None:
    tools: list[Any] = [
        {"name": function["name"], "description": function["description"], "input_schema": function["parameters"]}
        for function in (tool["function"] for tool in TOOLS)
    ]
    answer = await claude.messages.create(
        model=MODEL, messages=ERRAND["messages"], tools=tools, max_tokens=100, extra_body=GREEDY
    )
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert answer.stop_reason == "tool_use"
    assert call.name in TOOL_NAMES
    assert isinstance(call.input, dict)


async def test_a_cancelled_stream_frees_the_server(
    claude: anthropic.AsyncAnthropic, baseline: Server, http: aiohttp.ClientSession
) -> None:
    # This API has no `ignore_eos`; a schema keeps the answer from ending.
    schema = {"format": {"type": "json_schema", "schema": {"type": "string", "minLength": LONG}}}
    async with (
        cut_short(http, baseline.url),
        claude.messages.stream(
            model=MODEL, messages=QUESTION, max_tokens=LONG, extra_body={"output_config": schema}
        ) as stream,
    ):
        await anext(aiter(stream.text_stream))
