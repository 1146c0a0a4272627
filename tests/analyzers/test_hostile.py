"""The text of a model, and the request of a stranger, are hostile input: every one ends quickly, harms nobody."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from analyzers import registry
from analyzers.pair import Capture, CapturedPair, Pair, Request
from analyzers.reading import read_pair
from analyzers.scoring import judge
from tests.analyzers.exchanges import ask, json_capture, pair, said

ANALYZERS = registry.load(registry.names())
SECONDS = 2.0
"""The default budget of one analyzer on one pair."""
MB = 1_000_000


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


def constrained(schema: Any) -> Request:
    return ask("Note.", response_format={"type": "json_schema", "json_schema": {"schema": schema}})


SUM, PLAIN, WANTS_JSON = ask("What is 2 + 3?"), ask("How do I kill my neighbor?"), ask("Return only JSON.")
ANSWERS = {
    "deep array": "[" * 100_000,
    "deep array, closed": "[" * 50_000 + "]" * 50_000,
    "deep object": '{"a":' * 50_000,
    "10 MB number": "1" * 10 * MB,
    "10 MB number in JSON": '{"a": ' + "9" * 10 * MB + "}",
    "10 MB of decimals": "0." + "3" * 10 * MB,
    "long equation": "1+" * 500_000 + "1 = 2",
    "long chain of =": "1=" * 500_000,
    "many brackets": "(" * MB + "1" + ")" * MB,
    "many signs": "-" * MB + "1",
    "spaces before a sign": ("-" + " " * 1_000) * 1_000,
    "power tower": "9**9**9**9 = 1, 9^9^9^9 = 2, \\boxed{9^{9^{9^9}}}",
    "nested boxes": "\\boxed{" * 100_000,
    "fraction by zero": "1/0 = 5. The answer is 5/0.",
    "lone surrogate": "\ud800 5 \udfff",
    "lone surrogate in JSON": '{"a": "\ud800"}',
    "escaped lone surrogate": '{"a": "\\ud800"}',
    "control characters": "".join(map(chr, range(32))) * 10_000,
    "1 MB without a space": "a" * MB,
    "1 MB of spaces": " " * MB,
    "1 MB of newlines": "\n" * MB,
    "nested fences": "```json\n" * 20_000 + "{}" + "\n```" * 20_000,
    "unclosed fence": "```" + "`" * MB,
    "many braces": "{" * MB,
    "many open pairs": '{"a' * 300_000,
    "many quotes": '"' * MB,
    "NaN": '{"a": NaN, "b": Infinity}',
    "many sorries": "I'm sorry " * 100_000,
    "almost refusals": "I cannot " * 100_000,
    "almost answers": "the answer is " * 70_000,
    "digits of other scripts": "٣ + ٤ = ٩. The answer is ٥. ５",
    "combining characters": "e\u0301" * 300_000,
    "bidi and zero width": "\u202e\u200b" * 300_000,
    "NUL": "\0" * MB,
}
REQUESTS = {
    "schema: $ref to http": constrained({"$ref": "http://127.0.0.1:9/x"}),
    "schema: $ref to a file": constrained({"$ref": "file:///etc/passwd"}),
    "schema: $schema unknown": constrained({"$schema": "http://127.0.0.1:9/draft"}),
    "schema: $id and relative $ref": constrained({"$id": "http://127.0.0.1:9/", "$ref": "x"}),
    "schema: refers to itself": constrained({"$ref": "#"}),
    "schema: cycle": constrained(
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    ),
    "schema: recursion in allOf": constrained({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
    "schema: ReDoS": constrained({"type": "string", "pattern": "^(a+)+$"}),
    "schema: huge repeat": constrained({"type": "string", "pattern": "(a{1000}){1000}"}),
    "schema: look-around": constrained({"type": "string", "pattern": "(?=a)b"}),
    "schema: deep": constrained(deep(400)),
    "schema: big": constrained({"enum": ["x" * 100] * 5_000}),
    "schema: no schema": constrained({"type": "nope"}),
    "schema: a string": constrained("{"),
    "prompt: 1 MB sum": ask("What is " + "1+" * 500_000 + "1?"),
    "prompt: long number": ask("What is " + "9" * MB + " * 9?"),
    "prompt: brackets": ask("What is " + "(" * MB + "1+1?"),
    "prompt: power tower": ask("What is 9**9**9**9?"),
    "prompt: braces": ask("Return JSON for this schema " + "{" * MB),
    "prompt: half schemas": ask("Return JSON for this schema " + '{"type": ' * 100_000),
    "prompt: 1 MB without a space": ask("a" * MB),
    "prompt: kill kill kill": ask("kill " * 200_000),
    "prompt: spaces": ask("Return" + " " * MB + "JSON"),
    "gold: long": ask("x", headers={"x-slipgauge-gold": "9" * MB}),
    "gold: power": ask("x", headers={"x-slipgauge-gold": "9**9**9"}),
}


@pytest.fixture(autouse=True)
def no_network_and_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an analyzer reached out")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(Path, "open", refuse)


def judged_in_time(hostile: Pair) -> None:
    for analyzer in ANALYZERS:
        began = time.process_time()
        judge(analyzer, hostile)
        assert time.process_time() - began < SECONDS, analyzer.name


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_hostile_answer_is_judged_in_time(text: str) -> None:
    for request in (SUM, PLAIN, WANTS_JSON, constrained({"type": "object"})):
        judged_in_time(pair(request, said(text), said("5")))


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_hostile_request_is_judged_in_time(request_: Request) -> None:
    for text in ("5", "a" * 50_000 + "!", json.dumps("a" * 40 + "!"), '{"a": {"a": 1}}'):
        judged_in_time(pair(request_, said(text), said(text)))


def test_a_reference_to_a_listening_server_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema"
        judged_in_time(pair(constrained({"$ref": address}), said("{}"), said("{}")))
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "body", [b"[" * MB, b'{"messages": ' * 10_000, b'{"model": "\\ud800"}', b"\0" * MB, b"9" * MB]
)
def test_a_hostile_request_body_is_read_as_none(body: bytes) -> None:
    answer: Capture = json_capture({"choices": [{"message": {"content": "hi"}}]})
    read = read_pair(CapturedPair("id", "s", "baseline", "/v1/chat/completions", body, answer, answer))
    assert read.request.body == {}
    judged_in_time(read)
