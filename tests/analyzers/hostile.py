"""What strangers and models may send to hurt, by name: the text of either is hostile input."""

from __future__ import annotations

import json
from typing import Any

from analyzers.pair import Request, ToolCall
from tests.analyzers.exchanges import ask

MB = 1_000_000


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


def constrained(schema: Any) -> Request:
    return ask("Note.", response_format={"type": "json_schema", "json_schema": {"schema": schema}})


def function(parameters: Any, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, **more}}


def fenced(language: str, code: str) -> str:
    return f"```{language}\n{code}\n```"


ASKED = {
    "a sum": ask("What is 2 + 3?"),
    "something sensitive": ask("How do I kill my neighbor?"),
    "JSON": ask("Return only JSON."),
    "JSON by schema": constrained({"type": "object"}),
    "JSON with plain names": constrained({"type": "object", "propertyNames": {"pattern": "^a*$"}}),
    "a tool": ask("Weather?", tools=[function({"type": "object"})], tool_choice="required"),
    "Python": ask("Write a Python function that adds two numbers."),
    "German": ask("Was ist die Hauptstadt von Italien und wie heißt sie?"),
}
"""Each hostile answer is an answer to each of these."""
ANSWERS = {
    "deep array": "[" * 100_000,
    "deep array, closed": "[" * 50_000 + "]" * 50_000,
    "deep object": '{"a":' * 50_000,
    "many wrong names": json.dumps({f"x{number}": 1 for number in range(20_000)}),
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
    "deep parentheses in Python": fenced("python", "(" * 30_000 + ")" * 30_000),
    "deep signs in Python": fenced("python", "x = " + "-" * 30_000 + "1"),
    "deep attributes in Python": fenced("python", "x" + ".a" * 15_000),
    "deep blocks in Python": fenced("python", "\n".join(" " * depth + "if x:" for depth in range(200))),
    "deep lambdas in Python": fenced("python", "lambda: " * 4_000 + "1"),
    "long sum in Python": fenced("python", "x = " + "1+" * 15_000 + "1"),
    "long number in Python": fenced("python", "x = " + "9" * 30_000),
    "power tower in Python": fenced("python", "x = 9**9**9**9"),
    "NUL in Python": fenced("python", "x = 1\0"),
    "coding line in Python": fenced("python", "# coding: nope\nx = 1"),
    "deep array in TOML": fenced("toml", "a = " + "[" * 15_000),
    "deep keys in TOML": fenced("toml", "a." * 15_000 + "b = 1"),
    "deep array in fenced JSON": fenced("json", "[" * 30_000),
    "many fences": fenced("python", "x = (") * 50_000,
    "a fence that is none": "```" + "a" * 100_000 + "`",
    "long fence": "`" * 500_000 + "\nx\n" + "`" * 499_999,
    "many almost special tokens": "<|" * 500_000,
    "long special token": "<|" + "a" * MB + "|>",
    "almost a loop": ("ab" * 500 + "c") * 3_000 + "x",
    "a loop that holds its end": ("aaaaaaaaaaaaa" * 90 + "b") * 2_000,
    "two alphabets": "aя" * 500_000,
    "Han without a space": "\u4e2d" * 500_000,
    "private use": "\ue000" * 500_000,
    "numbers for words": " ".join(map(str, range(200_000))),
    "many call marks": "<tool_call>" * 100_000,
    "almost a bare call": '{"name": "f", "arguments": ' * 2_000,
}
CALLS = {
    "arguments: deep": [ToolCall("f", "[" * 500_000)],
    "arguments: 10 MB number": [ToolCall("f", '{"a": ' + "9" * 10 * MB + "}")],
    "arguments: lone surrogate": [ToolCall("f", '{"a": "\ud800"}')],
    "arguments: 1 MB of blanks": [ToolCall("f", " " * MB)],
    "arguments: a loop": [ToolCall("f", '{"a": "' + "no, " * 300_000)],
    "256 calls": [ToolCall("f", json.dumps({"a": "x" * 4_000, "b": number})) for number in range(256)],
    "257 calls": [ToolCall("f", "{}")] * 257,
    "names: long": [ToolCall("f" * MB, "{}")],
    "names: hostile": [ToolCall("\ud800\x00\u202e", "{}")],
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
    "prompt: lines": ask("\n" * MB),
    "prompt: lines and JSON": ask("JSON" + "\n" * MB),
    "schema: refs explode": constrained(
        {
            "$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
            | {"d40": {"type": "null"}},
            "$ref": "#/$defs/d0",
        }
    ),
    "schema: dynamic reference to itself": constrained({"$dynamicAnchor": "a", "$dynamicRef": "#a"}),
    "schema: $ref with a long fragment": constrained({"$ref": "#/" + "a/" * 20_000}),
    "schema: names of 64 kB": constrained({"required": ["x" * 60_000]}),
    "schema: many properties": constrained({"properties": {f"p{n}": {"type": "string"} for n in range(3_000)}}),
    "schema: huge bounds": constrained({"minLength": 10**18, "maximum": 1e308, "multipleOf": 1e-300}),
    "choice: many": ask("x", structured_outputs={"choice": ["x" * 50] * 50_000}),
    "choice: odd": ask("x", guided_choice=[None, {}, [[]], 1e400]),
    "regex: ReDoS": ask("x", guided_regex="(a+)+b"),
    "regex: huge": ask("x", structured_outputs={"regex": "(a{1,1000}){1,1000}"}),
    "regex: hostile to the anchors": ask("x", structured_outputs={"regex": ")|(?:"}),
    "tools: many": ask("x", tools=[function({"type": "object"}, description="x" * 100)] * 20_000),
    "tools: $ref to a file": ask("x", tools=[function({"$ref": "file:///etc/passwd"}, strict=True)]),
    "tools: deep parameters": ask("x", tools=[function(deep(400), strict=True)]),
    "tools: odd": ask("x", tools=[1, None, [], {"function": []}, {"name": {}}], tool_choice={"name": []}),
    "prompt: orders": ask("Write a function " * 50_000),
    "prompt: languages": ask("in French " * 100_000),
    "prompt: repeat repeat": ask("say it " * 100_000),
    "prompt: lone surrogates": ask("\ud800" * 1_000),
    "limit: odd": ask("x", max_tokens=10**30, echo=[], n=-1, stop=[[]]),
    "gold: long": ask("x", headers={"x-slipgauge-gold": "9" * MB}),
    "gold: power": ask("x", headers={"x-slipgauge-gold": "9**9**9"}),
}
