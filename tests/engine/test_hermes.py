import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.engine.hermes import HermesStream, parse

TWO = (
    'Let me see.\n<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": {"c": "}"}}}\n</tool_call>\n'
    '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
)


def collect(pieces: list[str]) -> tuple[str, list[tuple[str, str]]]:
    """Content and calls as a client puts a stream together."""
    stream, content = HermesStream(), ""
    calls: dict[int, dict[str, str]] = {}
    for i, piece in enumerate(pieces):
        message = stream.push(piece, finished=i == len(pieces) - 1)
        content += message.get("content", "")
        for part in message.get("tool_calls", []):
            call = calls.setdefault(part["index"], {"name": "", "arguments": ""})
            for key, value in part["function"].items():
                call[key] += value
    return content, [(call["name"], call["arguments"]) for call in calls.values()]


def test_calls_are_taken_out_of_the_text() -> None:
    content, calls = parse(TWO)
    assert content == "Let me see.\n"
    assert [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls] == [
        ("add", {"a": 1, "b": {"c": "}"}}),
        ("now", {}),
    ]
    assert len({call["id"] for call in calls}) == 2


@pytest.mark.parametrize(
    "text", ["no call", "<tool_call>{broken", '<tool_call>{"name": "f"}</tool_call>', "<tool_call>3"]
)
def test_what_is_no_call_stays_content(text: str) -> None:
    assert parse(text) == (text, [])


@given(cuts=st.lists(st.integers(0, len(TWO)), max_size=12))
def test_a_stream_cut_anywhere_gives_the_same_calls(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TWO)]
    pieces = [TWO[a:b] for a, b in itertools.pairwise(edges)]
    content, calls = collect(pieces)
    assert content == "Let me see.\n"
    assert [(name, json.loads(arguments)) for name, arguments in calls] == [
        ("add", {"a": 1, "b": {"c": "}"}}),
        ("now", {}),
    ]


def test_the_beginning_of_a_tag_is_held_back_and_released_at_the_end() -> None:
    stream = HermesStream()
    assert stream.push("2 <tool") == {"content": "2 "}
    assert stream.push("", finished=True) == {"content": "<tool"}
    assert not stream.called
