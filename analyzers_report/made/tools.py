"""Tool calls on the testbed's own requests: the right call, or one broken in one known way."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from analyzers.pair import Request
from analyzers_report.cases import OK, Case
from analyzers_report.made.said import CHAT, told
from testbed.tasks import tools

Arguments = dict[str, Any]
Call = tuple[str, str]


def _wrong_type(rng: Random, arguments: Arguments) -> None:
    name = rng.choice(list(arguments))
    arguments[name] = [arguments[name]]


def _missing(rng: Random, arguments: Arguments) -> None:
    del arguments[rng.choice(list(arguments))]


ARGUMENTS: dict[str, Callable[[Random, Arguments], None]] = {
    "schema_type": _wrong_type,
    "schema_required": _missing,
}
CALLS: dict[str, Callable[[Random, Call], tuple[Call, ...]]] = {
    "unknown_function": lambda rng, call: ((rng.choice((call[0].upper(), call[0] + "s", "", "none")), call[1]),),
    "not_json": lambda rng, call: ((call[0], rng.choice((call[1][:-1], call[1].replace('"', "'"), "", "{,}"))),),
    "not_object": lambda rng, call: ((call[0], rng.choice((f"[{call[1]}]", '"x"', "null", "7"))),),
    "repeated": lambda rng, call: (call, (call[0], json.dumps(json.loads(call[1]), indent=1))),
}
TEXTS: dict[str, Callable[[Random, Call], str]] = {
    "unparsed": lambda rng, call: rng.choice(
        (
            f'<tool_call>\n{{"name": "{call[0]}", "arguments": {call[1][:-1]}\n</tool_call>',
            f'{{"name": "{call[0]}", "arguments": {call[1]}}}',
            f'[TOOL_CALLS][{{"name": "{call[0]}", "arguments": {call[1]}}}]',
        )
    ),
    "no_call": lambda rng, call: rng.choice(("I would rather tell you.", "Done!", f"I will call {call[0]} now.")),
}
TOOLS = {tool.name: tool for tool in tools.TOOLS}


def case(rng: Random) -> Case:
    """Half of them good, the others with a defect each kind of which is as likely."""
    prompt = tools.generate(rng)
    calls: Any = prompt.answer.get("tool_calls")
    if not calls:  # small talk: to call nothing is right
        return Case("testbed", Request(CHAT, prompt.body), told(str(prompt.answer["content"])))
    right: Call = (calls[0]["function"]["name"], calls[0]["function"]["arguments"])
    label = OK if rng.random() < 0.45 else rng.choice([*ARGUMENTS, *CALLS, *TEXTS])
    body = dict(prompt.body)
    if label == "no_call":
        body["tool_choice"] = rng.choice(("required", {"type": "function", "function": {"name": right[0]}}))
    request = Request(CHAT, body)
    if label in TEXTS:
        return Case("testbed", request, told(TEXTS[label](rng, right)), label)
    if label in ARGUMENTS:
        arguments = json.loads(right[1])
        ARGUMENTS[label](rng, arguments)
        right = (right[0], json.dumps(arguments))
    made = CALLS[label](rng, right) if label in CALLS else (right,)
    if label == OK and rng.random() < 0.2:
        made = (right, _another(rng, right[0]))
    return Case("testbed", request, told("", *made, finish="tool_calls"), label)


def _another(rng: Random, name: str) -> Call:
    """A further call of the same function, which is never the same."""
    return name, json.dumps(TOOLS[name].draw(rng) | {"note": "another"})
