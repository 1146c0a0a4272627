"""Requests as clients of each API really send them: which may be asked of two servers, and which may not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from proxy.config import Config
from proxy.gateway.request import RequestReader
from proxy.gateway.routing import Route, Router
from tests.gateway.peer import always, ask, plain, post, serving
from tests.gateway.stands import Stands

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
DATA = "data:image/png;base64,iVBORw0KGgo="
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def route(path: str, body: bytes) -> Route | None:
    config = Config.model_validate(
        {
            "baseline": {"url": "http://127.0.0.1:8001"},
            "candidate": {"url": "http://127.0.0.1:8002"},
            "models": {"m": {}},
            "mirror": {"sample": 1.0},
        }
    )
    reader = RequestReader(65_536, 65_536)
    reader.feed(f"POST {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return Router(config, b"s").route(reader.requests[0], body, "1.2.3.4")


def says(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": list(parts)}]}


def item(**fields: Any) -> dict[str, Any]:
    return {"input": [fields]}


ALONE: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": (CHAT, {"messages": [{"role": "user", "content": "hi"}]}),
    "chat, explicit defaults": (CHAT, {"messages": [], "store": False, "background": False, "tools": []}),
    "chat, several choices": (CHAT, {"messages": [], "n": 4, "logprobs": True, "top_logprobs": 5}),
    "chat, client's tools": (CHAT, {"messages": [], "tools": [FUNCTION], "tool_choice": "required"}),
    "chat, tool turns": (
        CHAT,
        {
            "messages": [
                {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]},
                {"role": "tool", "tool_call_id": "c", "content": "https://a.example is what it found"},
            ]
        },
    ),
    "chat, inline image": (CHAT, says({"type": "image_url", "image_url": {"url": DATA, "detail": "low"}})),
    "chat, inline audio": (CHAT, says({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}})),
    "chat, inline file": (CHAT, says({"type": "file", "file": {"filename": "a.pdf", "file_data": "AA"}})),
    "chat, an address in text": (CHAT, says({"type": "text", "text": "see https://a.example/b.png"})),
    "chat, a message with an id of its own": (CHAT, {"messages": [{"role": "user", "content": "hi", "uuid": "u"}]}),
    "chat, media with text and cache key": (
        CHAT,
        says({"type": "image_url", "image_url": {"url": DATA}, "uuid": "u"}),
    ),
    "completions, text": ("/v1/completions", {"prompt": "once", "best_of": 2}),
    "completions, tokens": ("/v1/completions", {"prompt": [1, 2, 3]}),
    "completions, several": ("/v1/completions", {"prompt": ["a", "b"]}),
    "responses, text": (RESPONSES, {"input": "hi", "instructions": "be brief"}),
    "responses, items": (
        RESPONSES,
        item(type="message", role="user", content=[{"type": "input_text", "text": "a"}]),
    ),
    "responses, inline image": (RESPONSES, item(role="user", content=[{"type": "input_image", "image_url": DATA}])),
    "responses, a tool's text": (RESPONSES, item(type="function_call_output", call_id="c", output="42")),
    "responses, a tool's image": (
        RESPONSES,
        item(type="function_call_output", call_id="c", output=[{"type": "input_image", "image_url": DATA}]),
    ),
    "responses, client's tools": (RESPONSES, {"input": "a", "tools": [{"type": "function", "name": "f"}]}),
    "messages": (
        MESSAGES,
        {"max_tokens": 5, "system": "be brief", "messages": [{"role": "user", "content": "hi"}]},
    ),
    "messages, client's tools": (MESSAGES, {"messages": [], "tools": [{"name": "f", "input_schema": {}}]}),
    "messages, inline image": (
        MESSAGES,
        says({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}),
    ),
    "messages, a tool's arguments": (
        MESSAGES,
        says({"type": "tool_use", "id": "t", "name": "get", "input": {"source": "https://a.example"}}),
    ),
    "messages, inline document": (
        MESSAGES,
        says({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}}),
    ),
    "embeddings, text": ("/v1/embeddings", {"input": ["a", "b"]}),
    "embeddings, tokens": ("/v1/embeddings", {"input": [[1, 2], [3]]}),
}

LEANING: dict[str, tuple[str, dict[str, Any]]] = {
    "stored conversation": (CHAT, {"messages": [], "store": True}),
    "a response before": (RESPONSES, {"input": "a", "previous_response_id": "resp_1"}),
    "a response before, signed": (RESPONSES, {"input": "a", "previous_response": {"id": "resp_1"}}),
    "a conversation by id": (RESPONSES, {"input": "a", "conversation": {"id": "conv_1"}}),
    "background": (RESPONSES, {"input": "a", "background": True}),
    "a stored item": (RESPONSES, item(type="item_reference", id="msg_1")),
    "a stored prompt": (RESPONSES, {"prompt": {"id": "pmpt_1"}}),
    "blocks of one server's cache": (CHAT, {"messages": [], "kv_transfer_params": {"do_remote_prefill": True}}),
    "web search": (RESPONSES, {"input": "a", "tools": [{"type": "web_search"}]}),
    "web search by option": (CHAT, {"messages": [], "web_search_options": {}}),
    "server-side tools among the client's": (CHAT, {"messages": [], "tools": [FUNCTION, {"type": "mcp"}]}),
    "code interpreter": (RESPONSES, {"input": "a", "tools": [{"type": "code_interpreter", "container": "c"}]}),
    "a tool of no known type": (CHAT, {"messages": [], "tools": [{"type": 5}]}),
    "remote tools": (MESSAGES, {"messages": [], "mcp_servers": [{"type": "url", "url": "https://a.example"}]}),
    "a server's container": (MESSAGES, {"messages": [], "container": "c"}),
    "web search, messages": (MESSAGES, {"messages": [], "tools": [{"type": "web_search_20250305", "name": "w"}]}),
    "remote image": (CHAT, says({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}})),
    "remote image, no object": (CHAT, says({"type": "image_url", "image_url": "http://a.example/b.png"})),
    "remote image, no type": (CHAT, says({"image_url": "http://a.example/b.png"})),
    "a server's own file": (CHAT, says({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}})),
    "remote video": (CHAT, says({"type": "video_url", "video_url": {"url": "https://a.example/v"}})),
    "remote audio": (CHAT, says({"type": "audio_url", "audio_url": {"url": "https://a.example/a"}})),
    "an uploaded file": (CHAT, says({"type": "file", "file": {"file_id": "file-1"}})),
    "cached media": (CHAT, says({"type": "image_url", "image_url": None, "uuid": "u"})),
    "remote image, responses": (RESPONSES, item(role="user", content=[{"type": "input_image", "file_id": "f"}])),
    "remote file, responses": (
        RESPONSES,
        item(role="user", content=[{"type": "input_file", "file_url": "https://a"}]),
    ),
    "a tool's remote image": (
        RESPONSES,
        item(type="function_call_output", output=[{"type": "input_image", "image_url": "https://a.example/b"}]),
    ),
    "a screenshot by id": (
        RESPONSES,
        item(type="computer_call_output", output={"type": "computer_screenshot", "file_id": "f"}),
    ),
    "remote image, messages": (MESSAGES, says({"type": "image", "source": {"type": "url", "url": "https://a"}})),
    "uploaded document": (MESSAGES, says({"type": "document", "source": {"type": "file", "file_id": "f"}})),
    "a tool result's remote image": (
        MESSAGES,
        says({"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": "x"}}]}),
    ),
    "a document's remote image": (
        MESSAGES,
        says(
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "image", "source": {"type": "url", "url": "x"}}],
                },
            }
        ),
    ),
}

UNREADABLE = [
    b"",
    b"[]",
    b"not json",
    b'{"model":"other"}',
    b'{"model":["m"]}',
    b'{"messages":[]}',
    b'{"model":"m"} x',
]


@pytest.mark.parametrize("name", ALONE)
def test_what_stands_alone_is_mirrored(name: str) -> None:
    path, fields = ALONE[name]
    found = route(path, orjson.dumps({"model": "m", **fields}))
    assert found is not None
    assert found.sampled


@pytest.mark.parametrize("name", LEANING)
def test_what_leans_on_one_server_or_acts_on_the_world_goes_to_the_baseline_alone(name: str) -> None:
    path, fields = LEANING[name]
    assert route(path, orjson.dumps({"model": "m", **fields})) is None


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_names_no_configured_model_goes_to_the_baseline_alone(body: bytes) -> None:
    assert route(CHAT, body) is None


async def test_every_shape_reaches_the_primary_byte_for_byte_and_only_what_stands_alone_the_candidate(
    stand: Stands,
) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        for name, (path, fields) in {**ALONE, **LEANING}.items():
            body = orjson.dumps({"model": "m", **fields})
            assert (await ask(s.port, post(path, body))).body == b"base", name
            await s.settled()
            assert baseline.requests[-1].body == body, name
        paths = [path.encode() for path, _ in ALONE.values()]
        assert [each.path for each in other.requests] == paths
        assert await s.settled() == {"paired": len(ALONE)}


async def test_a_prompt_of_half_a_megabyte_reaches_both_arms_whole(stand: Stands) -> None:
    body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "word " * 100_000}]})
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, mirror={"repeat": 1.0}) as s,
    ):
        assert (await ask(s.port, post(CHAT, body))).body == b"base"
        assert await s.settled() == {"paired": 1}
        assert [each.body for each in (*baseline.requests, *other.requests)] == [body] * 3


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("POST", "/tokenize"), ("POST", "/v1/files")])
async def test_other_endpoints_are_the_baselines_alone(stand: Stands, method: str, path: str) -> None:
    body = b'{"model":"m","prompt":"x"}' if method == "POST" else b""
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        data = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        assert (await ask(s.port, data)).body == b"base"
        assert await s.settled() == {}
        assert (baseline.requests[0].body, other.requests) == (body, [])


def test_conversations_differ_by_what_they_show_as_well_as_by_what_they_say() -> None:
    def session(image: str, text: str = "what is this?") -> bytes:
        parts = {"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": f"data:{image}"}}
        found = route(CHAT, orjson.dumps({"model": "m", **says(*parts)}))
        assert found is not None
        return found.session

    assert session("A" * 9) == session("A" * 9)
    assert len({session("A" * 9), session("B" * 9), session("A" * 9, "and this?")}) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "word " * 100_000}]},
        {"messages": [{"role": "user", "content": "word " * 250}] * 400},
        {"prompt": [151_643] * 100_000},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": DATA + "A" * 2**21}}]}
            ]
        },
    ],
)
def test_a_prompt_of_a_hundred_thousand_tokens_is_mirrored_like_any_other(body: dict[str, Any]) -> None:
    assert route(CHAT, orjson.dumps({"model": "m", **body})) is not None
