"""The unmodified `openai` client against real vLLM, and against Slipgauge in front of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jsonschema_rs
import openai
import pydantic
import pytest
import pytest_asyncio

from proxy.demo.arms import MODEL, Server
from proxy.tasks import cancel, spawn
from tests.vllm.asked import ERRAND, LONG, NOTE, QUESTION, TOOL_NAMES, TOOLS
from tests.vllm.vllm_metrics import cut_short

ENDLESS = {"ignore_eos": True}
"""vLLM's own parameter: go on to `max_tokens`."""
CHOICES = 32
"""Answers to one request that is to be cut short: a fast machine makes one of them in half a second."""


@pytest_asyncio.fixture(loop_scope="session")
async def client(base_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key="none", max_retries=0, timeout=240) as client:
        yield client


def only_call(message: pydantic.BaseModel) -> tuple[str, dict[str, Any]]:
    """Name and arguments of the one tool that the message calls."""
    (call,) = message.model_dump()["tool_calls"]
    return call["function"]["name"], json.loads(call["function"]["arguments"])


def test_the_synchronous_client_chats_and_streams(base_url: str) -> None:
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key="none", max_retries=0, timeout=240) as client:
        assert [model.id for model in client.models.list()] == [MODEL]
        answer = client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=80, temperature=0)
        with client.chat.completions.create(
            model=MODEL, messages=QUESTION, max_tokens=80, temperature=0, stream=True
        ) as stream:
            pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert answer.choices[0].message.content
    assert "".join(pieces) == answer.choices[0].message.content
    assert len(pieces) > 1  # a busy vLLM joins what it has made meanwhile


async def test_a_streamed_chat_ends_with_its_usage(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model=MODEL,
        messages=QUESTION,
        max_tokens=12,
        seed=3,
        extra_body=ENDLESS,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 12


async def test_a_seed_and_logprobs_go_through(client: openai.AsyncOpenAI) -> None:
    async def drawn(seed: int) -> list[float]:
        answer = await client.chat.completions.create(
            model=MODEL,
            messages=QUESTION,
            max_tokens=24,
            temperature=1.5,
            seed=seed,
            logprobs=True,
            top_logprobs=2,
            extra_body=ENDLESS,
        )
        logprobs = answer.choices[0].logprobs
        assert logprobs is not None
        assert logprobs.content is not None
        assert {len(token.top_logprobs) for token in logprobs.content} <= {2, 3}
        return [token.logprob for token in logprobs.content]

    assert await drawn(1) == pytest.approx(await drawn(1), abs=0.05)
    assert await drawn(1) != pytest.approx(await drawn(2), abs=0.05)


async def test_token_ids_can_be_scored(client: openai.AsyncOpenAI) -> None:
    answer = await client.completions.create(
        model=MODEL,
        prompt=[40, 41, 42, 43],
        max_tokens=1,
        extra_body={"prompt_logprobs": 0, "return_token_ids": True},
    )
    choice = answer.choices[0].model_dump()
    assert choice["prompt_token_ids"] == [40, 41, 42, 43]
    assert [entry and list(entry) for entry in choice["prompt_logprobs"]] == [None, ["41"], ["42"], ["43"]]


async def test_a_tool_is_called_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    request: dict[str, Any] = {**ERRAND, "model": MODEL}
    answer = await client.chat.completions.create(**request)
    assert answer.choices[0].finish_reason == "tool_calls"
    name, arguments = only_call(answer.choices[0].message)
    assert name in TOOL_NAMES
    assert isinstance(arguments, dict)
    async with client.chat.completions.stream(**request) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"
    assert only_call(final.choices[0].message) == (name, arguments)


async def test_a_tool_can_be_required(client: openai.AsyncOpenAI) -> None:
    request: dict[str, Any] = {**ERRAND, "model": MODEL, "tool_choice": "required"}
    answer = await client.chat.completions.create(**request)
    name, _ = only_call(answer.choices[0].message)
    assert name in TOOL_NAMES


async def test_a_tools_result_is_read_back(client: openai.AsyncOpenAI) -> None:
    call = {"name": TOOLS[0]["function"]["name"], "arguments": "{}"}
    conversation: list[Any] = [
        *ERRAND["messages"],
        {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"done": true}'},
    ]
    answer = await client.chat.completions.create(
        model=MODEL, messages=conversation, tools=TOOLS, max_tokens=10, extra_body=ENDLESS
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 10


async def test_a_schema_binds_the_answer(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**NOTE, model=MODEL)
    text = answer.choices[0].message.content
    assert text is not None
    jsonschema_rs.validate(NOTE["response_format"]["json_schema"]["schema"], json.loads(text))


async def test_a_timeout_frees_the_server(
    client: openai.AsyncOpenAI, baseline: Server, http: aiohttp.ClientSession
) -> None:
    async with cut_short(http, baseline.url, CHOICES * LONG):
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(
                model=MODEL, messages=QUESTION, max_tokens=LONG, n=CHOICES, extra_body=ENDLESS, timeout=0.5
            )


async def read_all(client: openai.AsyncOpenAI, begun: asyncio.Event) -> None:
    stream = await client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_tokens=LONG, n=CHOICES, extra_body=ENDLESS, stream=True
    )
    async for _ in stream:
        begun.set()


async def test_a_cancelled_stream_frees_the_server(
    client: openai.AsyncOpenAI, baseline: Server, http: aiohttp.ClientSession
) -> None:
    async with cut_short(http, baseline.url, CHOICES * LONG):
        begun = asyncio.Event()
        reading = spawn(read_all(client, begun), name="reading")
        await begun.wait()
        await cancel(reading)
    assert reading.cancelled()


async def test_errors_arrive_as_the_clients_own(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        await client.chat.completions.create(model="unknown", messages=QUESTION)
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        await client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=5000)


async def test_responses_are_answered_and_streamed(client: openai.AsyncOpenAI) -> None:
    request: dict[str, Any] = {"model": MODEL, "input": QUESTION[0]["content"], "max_output_tokens": 80}
    answer = await client.responses.create(**request, temperature=0)
    assert answer.output_text
    async with client.responses.stream(**request, temperature=0) as stream:
        types = [event.type async for event in stream]
        assert (await stream.get_final_response()).output_text == answer.output_text
    assert types[0] == "response.created"
    assert types.count("response.output_text.delta") > 2
