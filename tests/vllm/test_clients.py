"""The unmodified `openai` and `anthropic` clients against real vLLM, and against Slipgauge in front of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anthropic
import openai
import pydantic
import pytest
import pytest_asyncio

from proxy.demo.arms import MODEL, Server
from tests.vllm.vllm_metrics import metric, running

QUESTION: list[Any] = [{"role": "user", "content": "What is 12 + 30?"}]
ENDLESS = {"ignore_eos": True}
"""vLLM's own parameter: go on to `max_tokens`."""
GREEDY = {"temperature": 0}
"""The anthropic client has no such parameter."""
LONG = 900
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather forecast for a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
FORECAST: list[Any] = [{"role": "user", "content": "Give me a 7 day forecast for Oslo."}]


NOTE: list[Any] = [
    {
        "role": "user",
        "content": "Note: is now 29; home is Accra.\nReturn only JSON matching this schema: "
        '{"type":"object","properties":{"age":{"type":"integer"},"place":{"type":"string"}},'
        '"required":["age","place"],"additionalProperties":false}\nRespect the limits by cutting.',
    }
]


class Person(pydantic.BaseModel):
    age: int
    place: str


@asynccontextmanager
async def cut_short(http: aiohttp.ClientSession, url: str) -> AsyncIterator[None]:
    """Expect that a request for `LONG` tokens begins in this block, and that its end stops the server's work."""
    before = await metric(http, url, "vllm:generation_tokens_total")
    yield
    while await running(http, url):  # noqa: ASYNC110 (another process tells no event)
        await asyncio.sleep(0.05)
    assert 0 < await metric(http, url, "vllm:generation_tokens_total") - before < LONG / 2


@pytest_asyncio.fixture(loop_scope="session")
async def client(base_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key="none", max_retries=0, timeout=240) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def claude(base_url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=base_url, api_key="none", max_retries=0, timeout=240) as client:
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
    assert len(pieces) > 2


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
    answer = await client.chat.completions.create(
        model=MODEL, messages=FORECAST, tools=[WEATHER], tool_choice="required", max_tokens=100, temperature=0
    )
    name, arguments = only_call(answer.choices[0].message)
    assert name == "get_weather"
    assert set(arguments) == {"city", "days"}

    async with client.chat.completions.stream(
        model=MODEL, messages=FORECAST, tools=[WEATHER], tool_choice="auto", max_tokens=100, temperature=0
    ) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"
    assert only_call(final.choices[0].message) == (name, arguments)


async def test_a_tools_result_is_read_back(client: openai.AsyncOpenAI) -> None:
    call = {"name": "get_weather", "arguments": '{"city": "Oslo", "days": 7}'}
    conversation: list[Any] = [
        *FORECAST,
        {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "clear"}'},
    ]
    answer = await client.chat.completions.create(
        model=MODEL, messages=conversation, tools=[WEATHER], max_tokens=10, extra_body=ENDLESS
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 10


async def test_a_schema_binds_the_answer(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.parse(
        model=MODEL, messages=NOTE, response_format=Person, max_tokens=200, temperature=0
    )
    assert isinstance(answer.choices[0].message.parsed, Person)


async def test_a_timeout_frees_the_server(
    client: openai.AsyncOpenAI, baseline: Server, http: aiohttp.ClientSession
) -> None:
    async with cut_short(http, baseline.url):
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(
                model=MODEL, messages=QUESTION, max_tokens=LONG, extra_body=ENDLESS, timeout=1
            )


async def test_a_cancelled_stream_frees_the_server(
    client: openai.AsyncOpenAI, baseline: Server, http: aiohttp.ClientSession
) -> None:
    async with cut_short(http, baseline.url):
        stream = await client.chat.completions.create(
            model=MODEL, messages=QUESTION, max_tokens=LONG, extra_body=ENDLESS, stream=True
        )
        async with stream:
            for _ in range(4):
                await anext(stream)
            assert await running(http, baseline.url) == 1


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


async def test_the_anthropic_client_is_answered_and_streamed(claude: anthropic.AsyncAnthropic) -> None:
    request: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "max_tokens": 80, "extra_body": GREEDY}
    answer = await claude.messages.create(**request)
    (block,) = answer.content
    assert block.type == "text"
    assert block.text
    async with claude.messages.stream(**request) as stream:
        assert "".join([text async for text in stream.text_stream]) == block.text
        final = await stream.get_final_message()
    assert final.usage.output_tokens == answer.usage.output_tokens


async def test_the_anthropic_client_gets_a_tool_call(claude: anthropic.AsyncAnthropic) -> None:
    function = WEATHER["function"]
    tool: Any = {
        "name": function["name"],
        "description": function["description"],
        "input_schema": function["parameters"],
    }
    answer = await claude.messages.create(
        model=MODEL,
        messages=FORECAST,
        tools=[tool],
        tool_choice={"type": "any"},
        max_tokens=100,
        extra_body=GREEDY,
    )
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert (answer.stop_reason, call.name, set(call.input)) == ("tool_use", "get_weather", {"city", "days"})


async def test_a_cancelled_anthropic_stream_frees_the_server(
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
        assert await running(http, baseline.url) == 1
