from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.pair import Capture, CapturedPair, Choice, End, ToolCall, Usage
from analyzers.reading import MAX_GAPS, read_exchange, read_pair
from tests.analyzers.exchanges import CHAT, json_capture, stream_capture

USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def delta(content: str | None = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {"content": content, **more}, "finish_reason": finish}]}


def call_delta(at: int, name: str | None, arguments: str, choice: int = 0) -> dict[str, Any]:
    called = {"index": at, "function": {"name": name, "arguments": arguments}}
    return delta(tool_calls=[called], index=choice)


def test_a_chat_completion_is_read() -> None:
    message = {
        "content": "Hi",
        "refusal": None,
        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
    }
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": USAGE}
    exchange = read_exchange(CHAT, json_capture(body, duration=1.5))
    assert exchange.choices == (Choice("Hi", "", (ToolCall("f", "{}"),), "tool_calls"),)
    assert exchange.usage == Usage(7, 3)
    assert exchange.served
    assert exchange.duration == 1.5


def test_a_stream_reads_like_the_same_answer_in_one_piece() -> None:
    streamed = stream_capture(
        delta(role="assistant"),
        delta("Hé"),
        delta("llo"),
        call_delta(1, "g", ""),
        call_delta(0, "f", '{"a"'),
        call_delta(0, None, ":1}"),
        delta(finish="tool_calls"),
        {"choices": [], "usage": USAGE},
    )
    exchange = read_exchange(CHAT, streamed)
    calls = (ToolCall("f", '{"a":1}'), ToolCall("g", ""))
    assert exchange.choices == (Choice("Héllo", "", calls, "tool_calls"),)
    assert exchange.usage == Usage(7, 3)


CALL_TEXTS = st.text(alphabet='{}[]":,aé\\😀 ', max_size=12)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("fgh"), CALL_TEXTS), max_size=3), min_size=1, max_size=3), st.data()
)
def test_calls_cut_anywhere_are_assembled_exactly(
    choices: list[list[tuple[str, str]]], data: st.DataObject
) -> None:
    events: list[list[Any]] = []
    for number, calls in enumerate(choices):
        own: list[Any] = [delta(role="assistant", index=number)]
        for at, (name, arguments) in enumerate(calls):
            cut = data.draw(st.integers(0, len(arguments)))
            own.append(call_delta(at, name, arguments[:cut], choice=number))
            own.append(call_delta(at, None, arguments[cut:], choice=number))
        events.append(own)
    interleaved: list[Any] = []
    while any(events):
        source = data.draw(st.sampled_from([own for own in events if own]))
        interleaved.append(source.pop(0))
    read = read_exchange(CHAT, stream_capture(*interleaved))
    assert [[(call.name, call.arguments) for call in choice.tool_calls] for choice in read.choices] == choices


def test_custom_tools_are_read_with_their_free_text() -> None:
    custom = {"type": "custom", "custom": {"name": "shell", "input": "ls"}}
    plain = read_exchange(CHAT, json_capture({"choices": [{"message": {"tool_calls": [custom]}}]}))
    assert plain.choices[0].tool_calls == (ToolCall("shell", "ls"),)
    response = {"status": "completed", "output": [{"type": "custom_tool_call", "name": "shell", "input": "ls"}]}
    assert (
        read_exchange("/v1/responses", json_capture(response)).choices[0].tool_calls == plain.choices[0].tool_calls
    )


def test_a_streamed_call_without_arguments_has_an_empty_object() -> None:
    started = {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "f", "input": {}}}
    events = ({"type": "message_start"}, started, {"type": "message_stop"})
    read = read_exchange("/v1/messages", stream_capture(*((event["type"], event) for event in events), done=None))
    assert read.choices[0].tool_calls == (ToolCall("f", "{}"),)


def test_n_choices_come_in_order_of_their_index() -> None:
    streamed = stream_capture(delta("b", index=1), delta("a", "stop"), delta("B", "length", index=1))
    assert [choice.text for choice in read_exchange(CHAT, streamed).choices] == ["a", "bB"]


def test_completions_are_read() -> None:
    body = {"choices": [{"index": 0, "text": "once", "finish_reason": "length"}]}
    assert read_exchange("/v1/completions", json_capture(body)).choices == (Choice("once", finish_reason="length"),)
    streamed = stream_capture({"choices": [{"index": 0, "text": "on"}]}, {"choices": [{"index": 0, "text": "ce"}]})
    assert read_exchange("/v1/completions", streamed).choices[0].text == "once"


RESPONSE = {
    "status": "completed",
    "output": [
        {"type": "reasoning", "content": [{"text": "hm"}]},
        {
            "type": "message",
            "content": [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}],
        },
        {"type": "function_call", "name": "f", "arguments": "{}"},
    ],
    "usage": {"input_tokens": 7, "output_tokens": 3},
}


def test_responses_are_read_plain_and_streamed() -> None:
    plain = read_exchange("/v1/responses", json_capture(RESPONSE))
    assert plain.choices == (Choice("Hi", "No", (ToolCall("f", "{}"),), "tool_calls"),)
    assert plain.usage == Usage(7, 3)
    streamed = stream_capture(
        ("response.output_text.delta", {"type": "response.output_text.delta", "delta": "Hi"}),
        ("response.completed", {"type": "response.completed", "response": RESPONSE}),
        done=None,
    )
    assert read_exchange("/v1/responses", streamed) == plain


def test_an_incomplete_response_says_why_it_ended() -> None:
    body = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []}
    assert read_exchange("/v1/responses", json_capture(body)).choices[0].finish_reason == "length"


def test_messages_are_read_plain_and_streamed() -> None:
    body = {
        "content": [{"type": "text", "text": "Hi"}, {"type": "tool_use", "name": "f", "input": {"a": 1}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }
    plain = read_exchange("/v1/messages", json_capture(body))
    assert plain.choices == (Choice("Hi", "", (ToolCall("f", '{"a":1}'),), "tool_calls"),)
    streamed = stream_capture(
        ("message_start", {"type": "message_start", "message": {"usage": {"input_tokens": 7}}}),
        ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"text": "Hi"}}),
        (
            "content_block_start",
            {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "f"}},
        ),
        ("content_block_delta", {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '{"a":1}'}}),
        (
            "message_delta",
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
        ),
        ("message_stop", {"type": "message_stop"}),
        done=None,
    )
    assert read_exchange("/v1/messages", streamed) == plain


@pytest.mark.parametrize(
    ("path", "capture"),
    [
        (CHAT, stream_capture(delta("half"), done=None)),
        (CHAT, stream_capture(delta("half"), {"error": {"message": "engine died", "code": 500}})),
        ("/v1/messages", stream_capture(("message_start", {"type": "message_start"}), done=None)),
        ("/v1/messages", stream_capture(("error", {"type": "error", "error": {}}), done=None)),
        ("/v1/responses", stream_capture(("response.created", {"type": "response.created"}), done=None)),
        ("/v1/responses", stream_capture(("response.failed", {"type": "response.failed"}), done=None)),
    ],
)
def test_a_stream_that_breaks_off_is_not_served(path: str, capture: Capture) -> None:
    exchange = read_exchange(path, capture)
    assert exchange.end is End.RESET
    assert not exchange.served


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": ["text"]}}]}',
        b'{"choices": [{"index": 99999999999999999999, "message": {}}]}',
        b'{"choices": [{"message": {"tool_calls": 1}}]}',
        b'{"choices": ' + b"[" * 100_000,
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        json.dumps({"choices": [{"index": n, "message": {}} for n in range(1_000)]}).encode(),
    ],
)
def test_a_body_that_is_no_answer_is_unreadable(body: bytes) -> None:
    exchange = read_exchange(CHAT, Capture(End.COMPLETE, 200, "application/json", body=body))
    assert not exchange.readable
    assert not exchange.served


def test_a_stream_of_garbage_is_unreadable() -> None:
    garbage = Capture(End.COMPLETE, 200, "text/event-stream", body=b"data: {nope\n\ndata: [DONE]\n\n")
    assert not read_exchange(CHAT, garbage).readable


def test_content_codings_are_undone_and_bombs_are_unreadable() -> None:
    plain = json_capture({"choices": [{"message": {"content": "Hi"}}]})
    packed = replace(plain, body=gzip.compress(plain.body), content_encoding="gzip")
    assert read_exchange(CHAT, packed).choices[0].text == "Hi"
    bomb = replace(plain, body=gzip.compress(b" " * 40_000_000), content_encoding="gzip")
    assert not read_exchange(CHAT, bomb).readable


def test_times_come_from_the_arrival_that_completed_each_token() -> None:
    capture = stream_capture(delta(role="assistant"), delta("a"), delta("b"), delta("c"))
    ends = [place + 2 for place in range(len(capture.body)) if capture.body.startswith(b"\n\n", place)]
    arrivals = ((0.1, ends[0]), (0.25, ends[1] - 5), (0.5, ends[2]), (0.75, ends[3]), (1.0, len(capture.body)))
    exchange = read_exchange(CHAT, replace(capture, arrivals=arrivals))
    assert exchange.first_token == 0.5
    assert exchange.gaps == (0.0, 0.25)


def test_gaps_are_bounded() -> None:
    capture = stream_capture(*(delta("x") for _ in range(2 * MAX_GAPS)))
    exchange = read_exchange(CHAT, replace(capture, arrivals=((1.0, len(capture.body)),)))
    assert len(exchange.gaps) == MAX_GAPS


def test_an_unserved_answer_is_left_as_it_is() -> None:
    for capture in (Capture(End.REFUSED), Capture(End.DEADLINE, 200, body=b"{"), json_capture({}, status=500)):
        exchange = read_exchange(CHAT, capture)
        assert (exchange.end, exchange.status) == (capture.end, capture.status)
        assert exchange.readable
        assert not exchange.served


def test_embeddings_are_readable_without_choices() -> None:
    body = {"data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 5}}
    exchange = read_exchange("/v1/embeddings", json_capture(body))
    assert exchange.served
    assert exchange.usage == Usage(5, 0)


def test_absurd_usage_counts_as_none() -> None:
    absurd: list[Any] = [-1, True, "9", 1.5, 1 << 40, None, []]
    for count in absurd:
        body = {"choices": [{"message": {}}], "usage": {"prompt_tokens": count, "completion_tokens": 3}}
        assert read_exchange(CHAT, json_capture(body)).usage == Usage(0, 3)


def test_a_pair_keeps_request_headers_and_repeat() -> None:
    answer = json_capture({"choices": [{"message": {"content": "Hi"}}]})
    captured = CapturedPair(
        "id", "s", "baseline", CHAT + "?x=1", b'{"a": 1}', answer, answer, answer, headers={"x-slipgauge-gold": "5"}
    )
    pair = read_pair(captured)
    assert (pair.request.path, pair.request.body, pair.request.headers) == (
        CHAT,
        {"a": 1},
        {"x-slipgauge-gold": "5"},
    )
    assert pair.repeat == pair.baseline == pair.candidate
    assert read_pair(replace(captured, body=b"\xff")).request.body == {}


KEYS = ["choices", "message", "delta", "content", "text", "index", "tool_calls", "function", "name", "arguments"]
KEYS += [
    "usage",
    "type",
    "output",
    "status",
    "response",
    "error",
    "content_block",
    "input",
    "refusal",
    "stop_reason",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(st.sampled_from(KEYS), child, max_size=5),
    max_leaves=30,
)
PATHS = st.sampled_from([CHAT, "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", ""])


@given(PATHS, st.lists(JSON, max_size=4), st.sampled_from(["[DONE]", None]))
def test_any_json_in_any_stream_is_read(path: str, events: list[Any], done: str | None) -> None:
    read_exchange(path, stream_capture(*events, done=done))
    read_exchange(path, stream_capture(*(("message_start", event) for event in events), done=done))


@given(PATHS, JSON)
def test_any_json_body_is_read(path: str, body: Any) -> None:
    read_exchange(path, json_capture(body))


@given(
    PATHS,
    st.binary(max_size=200),
    st.sampled_from(["", "application/json", "text/event-stream"]),
    st.text(max_size=9),
)
def test_any_bytes_are_read(path: str, body: bytes, content_type: str, coding: str) -> None:
    read_exchange(path, Capture(End.COMPLETE, 200, content_type, coding, body))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": ' * 2_000, b'{"a": "\\ud800"}', b"\0", b"9" * 999])
def test_a_request_body_that_is_no_object_is_read_as_none(body: bytes) -> None:
    answer = json_capture({"choices": [{"message": {"content": "hi"}}]})
    assert read_pair(CapturedPair("id", "s", "baseline", CHAT, body, answer, answer)).request.body == {}
