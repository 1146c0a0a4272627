import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio

from proxy.tasks import spawn
from testbed.engine.engine import Limits
from testbed.engine.server import Serving, serving

CHAT = {"messages": [{"role": "user", "content": "What is 12 + 30?"}], "temperature": 0.8, "seed": 5}
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"enum": [1, 22]}, "b": {"enum": ["x", "yy"]}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}


@pytest_asyncio.fixture
async def up(model_dir: Path) -> AsyncIterator[Serving]:
    async with serving(model_dir, name="tiny", limits=Limits(step_interval=0)) as server:
        yield server


@pytest_asyncio.fixture
async def http(up: Serving) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(up.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with http.post(path, json=body) as response:
        return response.status, await response.json()


async def events(http: aiohttp.ClientSession, path: str, **body: Any) -> list[dict[str, Any]]:
    """The JSON events of a stream, checked for its framing and its end."""
    async with http.post(path, json={**body, "stream": True}) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        *blocks, last = (await response.text()).split("\n\n")
    assert last == ""
    assert blocks.pop() == "data: [DONE]"
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


async def metric(http: aiohttp.ClientSession, name: str) -> float:
    async with http.get("/metrics") as response:
        found = re.search(rf'^{name}\{{engine="0",model_name="tiny"\}} (\S+)$', await response.text(), re.MULTILINE)
    assert found
    return float(found[1])


@pytest.mark.parametrize(
    "extra", [{}, {"stop": ["e", "1"]}, {"n": 2}, {"tools": [TOOL]}], ids=lambda e: str(list(e))
)
async def test_a_streamed_chat_says_what_the_whole_answer_says(
    http: aiohttp.ClientSession, extra: dict[str, Any]
) -> None:
    body = {**CHAT, "max_tokens": 40, "return_token_ids": True, "logprobs": True, "top_logprobs": 2, **extra}
    _, whole = await post(http, "/v1/chat/completions", **body)
    streamed = await events(http, "/v1/chat/completions", **body, stream_options={"include_usage": True})
    for choice in whole["choices"]:
        parts = [c for event in streamed for c in event["choices"] if c["index"] == choice["index"]]
        assert parts[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(part["delta"].get("content", "") for part in parts) == choice["message"]["content"]
        assert [t for part in parts for t in part.get("token_ids") or []] == choice["token_ids"]
        told = [entry for part in parts if part["logprobs"] for entry in part["logprobs"]["content"]]
        assert told == choice["logprobs"]["content"]
        assert [part["finish_reason"] for part in parts[:-1]] == [None] * (len(parts) - 1)
        assert parts[-1]["finish_reason"] == choice["finish_reason"]
        assert parts[-1]["stop_reason"] == choice["stop_reason"]
    assert streamed[-1]["choices"] == []
    assert streamed[-1]["usage"].items() <= whole["usage"].items()
    assert streamed[0]["prompt_token_ids"] == whole["prompt_token_ids"]
    assert len({event["id"] for event in streamed}) == 1
    assert streamed[0]["id"].startswith("chatcmpl-")


async def test_usage_counts_what_was_read_and_written(http: aiohttp.ClientSession) -> None:
    _, answer = await post(
        http, "/v1/chat/completions", **CHAT, max_tokens=7, ignore_eos=True, return_token_ids=True
    )
    prompt = len(answer["prompt_token_ids"])
    assert answer["usage"] == {
        "prompt_tokens": prompt,
        "completion_tokens": 7,
        "total_tokens": prompt + 7,
        "prompt_tokens_details": None,
        "completion_tokens_details": None,
    }
    assert answer["choices"][0]["finish_reason"] == "length"
    _, tokenized = await post(http, "/tokenize", messages=CHAT["messages"])
    assert tokenized["tokens"] == answer["prompt_token_ids"]
    assert (tokenized["count"], tokenized["max_model_len"]) == (prompt, 512)
    assert await metric(http, "vllm:prompt_tokens_total") == prompt
    assert await metric(http, "vllm:generation_tokens_total") == 7


async def test_a_seed_repeats_an_answer_and_no_seed_does_not(http: aiohttp.ClientSession) -> None:
    async def text(**extra: Any) -> str:
        body = {"prompt": "Grüße", "max_tokens": 24, "temperature": 2, "ignore_eos": True, **extra}
        _, answer = await post(http, "/v1/completions", **body)
        return str(answer["choices"][0]["text"])

    assert await text(seed=4) == await text(seed=4) != await text(seed=5)
    assert await text() != await text()


async def test_schemas_and_required_tools_bind_the_answer(http: aiohttp.ClientSession) -> None:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    _, answer = await post(http, "/v1/chat/completions", **CHAT, max_tokens=200, response_format=form)
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert json.loads(answer["choices"][0]["message"]["content"])["ok"] in (True, False)
    body = {**CHAT, "tools": [TOOL], "max_tokens": 220}
    named = {"type": "function", "function": {"name": "add"}}
    for wanted, reason in (("required", "tool_calls"), (named, "stop")):
        _, answer = await post(http, "/v1/chat/completions", **body, tool_choice=wanted, parallel_tool_calls=False)
        choice = answer["choices"][0]
        (call,) = choice["message"]["tool_calls"]
        assert call["function"]["name"] == "add"
        assert json.loads(call["function"]["arguments"])["a"] in (1, 22)
        assert choice["finish_reason"] == reason


async def test_completions_take_token_ids_echo_and_score_them(http: aiohttp.ClientSession) -> None:
    ids = [40, 41, 42, 43]
    _, scored = await post(http, "/v1/completions", prompt=ids, max_tokens=1, prompt_logprobs=2, temperature=0)
    first, *rest = scored["choices"][0]["prompt_logprobs"]
    assert first is None
    for token, entry in zip(ids[1:], rest, strict=True):
        assert set(entry[str(token)]) == {"logprob", "rank", "decoded_token"}
        assert 2 <= len(entry) <= 3
    _, echoed = await post(http, "/v1/completions", prompt=ids, max_tokens=0, echo=True, logprobs=0)
    choice = echoed["choices"][0]
    assert choice["text"] == "".join(choice["logprobs"]["tokens"])
    assert choice["logprobs"]["token_logprobs"] == [
        None,
        *(entry[str(token)]["logprob"] for token, entry in zip(ids[1:], rest, strict=True)),
    ]
    _, two = await post(http, "/v1/completions", prompt=["a b", "12"], max_tokens=3, temperature=0, echo=True)
    assert [choice["text"][:2] for choice in two["choices"]] == ["a ", "12"]
    streamed = await events(http, "/v1/completions", prompt="12", max_tokens=3, temperature=0, echo=True)
    assert "".join(event["choices"][0]["text"] for event in streamed) == two["choices"][1]["text"]


REFUSALS: list[tuple[dict[str, Any], int, str, str | None, str]] = [
    ({**CHAT, "model": "x"}, 404, "NotFoundError", "model", "The model `x` does not exist."),
    ({"messages": 3}, 400, "Bad Request", "body.messages", "1 validation error:"),
    ({**CHAT, "temperature": "hot"}, 400, "Bad Request", "body.temperature", "valid number"),
    ({**CHAT, "temperature": -1}, 400, "BadRequestError", "temperature", "must be non-negative, got -1"),
    ({**CHAT, "max_tokens": 0}, 400, "BadRequestError", "max_tokens", "at least 1, got 0."),
    ({**CHAT, "max_tokens": 999}, 400, "BadRequestError", "max_tokens", "max_model_len=512."),
    ({**CHAT, "top_logprobs": 3}, 400, "BadRequestError", "top_logprobs", "must be set to true"),
    ({**CHAT, "logprobs": True, "top_logprobs": 21}, 400, "BadRequestError", "logprobs", "max allowed: 20"),
    ({**CHAT, "tools": []}, 400, "BadRequestError", "tools", "must not be an empty array"),
    ({**CHAT, "tool_choice": "auto"}, 400, "BadRequestError", "tool_choice", "must be set"),
    ({**CHAT, "stream_options": {}}, 400, "BadRequestError", "stream_options", "`stream=True`"),
    ({**CHAT, "logit_bias": {"1": 2}}, 400, "BadRequestError", "logit_bias", "not supported"),
    ({**CHAT, "structured_outputs": {"regex": "("}}, 400, "BadRequestError", None, "Invalid grammar"),
    ({"prompt": ""}, 400, "BadRequestError", "prompt", "must be provided and non-empty"),
    ({"prompt": [9999]}, 400, "BadRequestError", "prompt", "out of vocabulary"),
    ({"prompt": "1" * 512}, 400, "BadRequestError", "input_tokens", "maximum context length is 512 tokens"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal[-1])
async def test_refusals_have_the_shape_of_vllms(
    http: aiohttp.ClientSession, refusal: tuple[dict[str, Any], int, str, str | None, str]
) -> None:
    body, status, kind, param, words = refusal
    path = "/v1/completions" if "prompt" in body else "/v1/chat/completions"
    got, answer = await post(http, path, **body)
    assert got == status
    error = answer["error"]
    assert (error["type"], error["param"], error["code"]) == (kind, param, status)
    assert words in error["message"]


async def test_broken_json_unknown_paths_and_methods_get_error_objects(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/completions", data=b'{"prompt":') as response:
        assert (response.status, (await response.json())["error"]["type"]) == (400, "Bad Request")
    async with http.get("/nope") as response:
        assert (response.status, (await response.json())["error"]["message"]) == (404, "Not Found")
    async with http.get("/v1/completions") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
    async with http.get("/health") as response:
        assert (response.status, await response.read()) == (200, b"")


async def until(http: aiohttp.ClientSession, *, busy: bool) -> None:
    """Scrape until there is a request, or none; each scrape is a round trip."""
    names = ("vllm:num_requests_running", "vllm:num_requests_waiting")
    while any([await metric(http, name) for name in names]) != busy:
        pass


async def posted(http: aiohttp.ClientSession, body: dict[str, Any]) -> aiohttp.ClientResponse:
    return await http.post("/v1/completions", json=body)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_aborts_its_request(model_dir: Path, *, stream: bool) -> None:
    """With one slot, a second client is answered long before the first one's tokens would be done."""
    async with (
        serving(model_dir, name="tiny", limits=Limits(slots=1, step_interval=0)) as up,
        aiohttp.ClientSession(up.url) as http,
    ):
        body = {"prompt": "1", "n": 16, "max_tokens": 250, "ignore_eos": True, "stream": stream}
        async with asyncio.timeout(30):
            leaving = spawn(posted(http, body), name="a client that leaves")
            await until(http, busy=True)
            if stream:
                (await leaving).close()
            else:
                leaving.cancel()
            await until(http, busy=False)
        assert await metric(http, "vllm:kv_cache_usage_perc") == 0
        async with http.get("/metrics") as response:
            assert 'finished_reason="abort",model_name="tiny"} 0.0' not in await response.text()
        status, _ = await post(http, "/v1/completions", prompt="1", max_tokens=1)
        assert status == 200


async def test_steps_keep_their_distance(model_dir: Path) -> None:
    limits = Limits(step_interval=0.02)
    async with serving(model_dir, limits=limits) as up, aiohttp.ClientSession(up.url) as http:
        began = time.monotonic()
        await post(http, "/v1/completions", prompt="1", max_tokens=10, ignore_eos=True)
        assert time.monotonic() - began >= 9 * 0.02


async def test_a_full_queue_answers_503(model_dir: Path) -> None:
    limits = Limits(slots=1, max_waiting=2)
    async with serving(model_dir, limits=limits) as up, aiohttp.ClientSession(up.url) as http:
        status, answer = await post(http, "/v1/completions", prompt="1", n=3, max_tokens=2)
        assert (status, answer["error"]["type"]) == (503, "ServiceUnavailableError")
        status, _ = await post(http, "/v1/completions", prompt="1", n=2, max_tokens=2)
        assert status == 200


async def test_the_openai_client_works_unmodified(up: Serving) -> None:
    async with openai.AsyncOpenAI(base_url=f"{up.url}/v1", api_key="none", max_retries=0) as client:
        assert [model.id async for model in client.models.list()] == ["tiny"]
        chat: Any = {"model": "tiny", "messages": CHAT["messages"], "seed": 3, "max_tokens": 12}
        whole = await client.chat.completions.create(**chat)
        pieces = [chunk async for chunk in await client.chat.completions.create(**chat, stream=True)]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in pieces)
        assert text == whole.choices[0].message.content
        required = {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 200}
        streamed = await client.chat.completions.create(**{**chat, **required}, stream=True)
        deltas = [chunk.choices[0] async for chunk in streamed]
        calls = [call for choice in deltas for call in choice.delta.tool_calls or []]
        assert deltas[-1].finish_reason == "tool_calls"
        assert calls[0].function.name == "add"
        assert json.loads("".join(call.function.arguments or "" for call in calls))["b"] in ("x", "yy")
        scored = await client.completions.create(model="tiny", prompt="12", max_tokens=2, logprobs=1)
        assert scored.choices[0].logprobs is not None
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            await client.chat.completions.create(**{**chat, "model": "other"})
        with pytest.raises(openai.BadRequestError, match="maximum context length"):
            await client.completions.create(model="tiny", prompt="1" * 600)


def test_the_command_serves_and_ends_on_a_signal(gptq_dir: Path) -> None:
    command = [sys.executable, "-m", "testbed.engine", str(gptq_dir), "--port", "0", "--served-model-name", "int4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.terminate()
        assert process.wait(20) == 0
    assert re.fullmatch(r"serving int4 at http://127\.0\.0\.1:\d+\n", ready)
