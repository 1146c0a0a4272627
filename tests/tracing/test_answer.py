"""What a server says of its answer, and never what the model wrote."""

from __future__ import annotations

import orjson
import pytest

from analyzers.pair import Capture, End
from proxy.tracing.answer import MOST, Answer, read

JSON, EVENTS = "application/json", "text/event-stream; charset=utf-8"


def answered(body: object, kind: str = JSON, encoding: str = "") -> Answer:
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    return read(Capture(End.COMPLETE, 200, content_type=kind, content_encoding=encoding, body=sent))


def events(*told: object) -> bytes:
    return b"".join(b"event: x\r\ndata: " + orjson.dumps(each) + b"\r\n\r\n" for each in told) + b"data: [DONE]\n\n"


def test_a_chat_completion() -> None:
    body = {
        "model": "m-int4",
        "choices": [
            {"message": {"content": '"model":"secret"'}, "finish_reason": "stop"},
            {"message": {"content": "x"}, "finish_reason": "length"},
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
    }

    assert answered(body) == Answer("m-int4", 9, 4, ("stop", "length"))


def test_a_message_whose_tool_call_poses_as_the_server() -> None:
    body = {
        "type": "message",
        "content": [
            {
                "type": "tool_use",
                "input": {"model": "secret", "stop_reason": "secret", "usage": {"input_tokens": 1}},
            }
        ],
        "model": "m",
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }

    assert answered(body) == Answer("m", 7, 3, ("tool_use",))


def test_a_stream_of_chat_chunks() -> None:
    stream = events(
        {"model": "m", "choices": [{"delta": {"content": "a"}, "finish_reason": None}]},
        {"model": "m", "choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"model": "m", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
    )

    assert answered(stream, EVENTS) == Answer("m", 5, 2, ("stop",))


def test_a_long_stream_is_read_at_its_ends() -> None:
    middle = [{"model": "m", "choices": [{"delta": {"content": "x" * 100}}]}] * 1_000
    last = {
        "model": "m",
        "choices": [{"finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1_000},
    }

    assert answered(events(*middle, last), EVENTS) == Answer("m", 5, 1_000, ("stop",))


def test_streams_of_messages_and_of_responses() -> None:
    messages = events(
        {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 7, "output_tokens": 1}}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    )
    responses = events(
        {"type": "response.completed", "response": {"model": "m", "usage": {"input_tokens": 8, "output_tokens": 2}}}
    )

    assert answered(messages, EVENTS) == Answer("m", 7, 3, ("end_turn",))
    assert answered(responses, EVENTS) == Answer("m", 8, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{" * 100_000,
        b"not JSON",
        b"x" * (MOST + 1),
        {"model": "a\x1b[0m", "usage": {"prompt_tokens": -1, "completion_tokens": True}},
        {"model": ["m"], "choices": [1, {"finish_reason": "Your account is 12"}], "usage": 3},
        {"model": "m" * 257, "choices": {}, "message": 1, "delta": []},
        {"usage": {"prompt_tokens": 2**60, "completion_tokens": "4"}},
    ],
)
def test_garbage_says_nothing(body: object) -> None:
    assert answered(body) == Answer()
    assert answered(body, EVENTS) == Answer()


def test_a_compressed_answer_is_left_alone() -> None:
    assert answered({"model": "m"}, encoding="gzip") == Answer()
