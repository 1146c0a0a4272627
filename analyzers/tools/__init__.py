"""Whether an answer calls the tools it was offered as it should, and how often it calls one at all.

`tools.invalid` (the analyzer `tools`), on every request with tools. F = 1 where no tool is called although one is
required or named; where the call was written into the text, in any of the common chat templates' forms or as bare
JSON, so that the client never sees it; and where a call names no function on offer, or none of those allowed, has
arguments that are no JSON object or against the function's parameters (labelled by keyword; with `strict`, no
properties but those named), stands there twice with the same arguments, or is one of several where only one may be.

`tools.called` and `tools.uncalled`, on requests that leave the choice to the model: F = 1 where it calls, and where
it does not. Neither is good or bad by itself, so what matters is a change either way: X of the one is -X of the
other, and a guardrail on each judges the rate two-sided with the one-sided test that all guardrails have, each at
its own share of the error. Int4 models have been seen to stop calling (vLLM issues 17481 and 17821), which nothing
else here would notice.

Cannot tell: whether the right tool was called with the right values; whether calling twice alike was meant (two
dice); calls that a client parses out of the text by itself. Schemas are bounded as in `analyzers.schemas`.

Source: the APIs' references, see `asked`; JSON Schema as in `analyzers.schemas`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

from analyzers import schemas
from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.pair import Choice, Exchange, Request, ToolCall
from analyzers.tools.asked import Offer, Tool, offer

INVALID = "tools.invalid"
CALLED = "tools.called"
UNCALLED = "tools.uncalled"
_MARKS = (
    "<tool_call>",
    "<function=",
    "<function_call>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<|tool_call",
    "<\uff5ctool\u2581call",
)
"""How chat templates begin a call; one left in the text was not understood as such."""
MAX_BARE = 65_536
"""A longer text is no bare call."""


class Tools(PerAnswer):
    """F = 1 where a call is missing or wrong."""

    name: ClassVar[str] = "tools"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = (INVALID,)
    labels: ClassVar[frozenset[str]] = schemas.LABELS | {
        "ok", "no_call", "unparsed", "truncated", "unknown_function", "not_allowed", "parallel", "repeated",
        "not_json", "not_object",
    }  # fmt: skip

    def variable(self, request: Request) -> str | None:
        """Requests that offer tools, and do not forbid to call them."""
        return None if offer(request) is None else INVALID

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        offered = offer(request)
        if offered is None:
            return GOOD
        nothing = Score(1.0, "no_call") if offered.must else GOOD
        return mean((_judge(offered, choice) for choice in answer.choices), otherwise=nothing)


class Rate(PerAnswer):
    """How often an answer calls a tool where it may do as it likes."""

    labels: ClassVar[frozenset[str]] = frozenset({"called", "uncalled"})
    counts: ClassVar[str]
    """The label that is F = 1."""

    def variable(self, request: Request) -> str | None:
        """Requests that leave calling to the model."""
        offered = offer(request)
        return None if offered is None or offered.must else self.name

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        scores = (self._score("called" if choice.tool_calls else "uncalled") for choice in answer.choices)
        return mean(scores, otherwise=self._score("uncalled"))

    def _score(self, label: str) -> Score:
        return Score(float(label == self.counts), label)


class Called(Rate):
    """F = 1 where a tool is called."""

    name: ClassVar[str] = CALLED
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = (CALLED,)
    counts: ClassVar[str] = "called"


class Uncalled(Rate):
    """F = 1 where none is."""

    name: ClassVar[str] = UNCALLED
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = (UNCALLED,)
    counts: ClassVar[str] = "uncalled"


def _judge(offered: Offer, choice: Choice) -> Score:
    label = _wrong_calls(offered, choice) if choice.tool_calls else _wrong_silence(offered, choice)
    return Score(1.0, label) if label else GOOD


def _wrong_silence(offered: Offer, choice: Choice) -> str | None:
    if _is_call(offered, choice.text):
        return "unparsed"
    if not offered.must:
        return None
    return "truncated" if choice.finish_reason == "length" else "no_call"


def _is_call(offered: Offer, text: str) -> bool:
    """Whether `text` is, or holds, a call that was not recognised as one."""
    if any(mark in text for mark in _MARKS):
        return True
    bare = text.strip()
    if not bare.startswith(("{", "[")) or len(bare) > MAX_BARE:
        return False
    value = _read(bare)
    (call,) = value if isinstance(value, list) and len(value) == 1 else (value,)
    if not isinstance(call, dict) or not call.keys() & {"arguments", "parameters"}:
        return False
    name = call.get("name")
    return isinstance(name, str) and name in offered.tools


def _wrong_calls(offered: Offer, choice: Choice) -> str | None:
    calls = choice.tool_calls
    if len(calls) > 1:
        if not offered.parallel:
            return "parallel"
        if len({(call.name, _canonical(call.arguments)) for call in calls}) < len(calls):
            return "repeated"
    first_wrong = (label for call in calls if (label := _wrong_call(offered, call, choice.finish_reason)))
    return next(first_wrong, None)


def _wrong_call(offered: Offer, call: ToolCall, finish_reason: str) -> str | None:
    tool = offered.tools.get(call.name)
    if tool is None:
        return "unknown_function"
    if offered.allowed is not None and call.name not in offered.allowed:
        return "not_allowed"
    return None if tool.free else _wrong_arguments(tool, call.arguments, finish_reason)


def _wrong_arguments(tool: Tool, written: str, finish_reason: str) -> str | None:
    value = _read(written)
    if value is NOTHING:
        return "truncated" if finish_reason == "length" else "not_json"
    if not isinstance(value, dict):
        return "not_object"
    schema = schemas.closed(tool.parameters) if tool.strict else tool.parameters
    failure = schemas.failure(schema, value)
    return failure.label if failure else None


NOTHING = object()
"""What text that is no JSON stands for."""


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return NOTHING


def _canonical(arguments: str) -> bytes | str:
    """Arguments that mean the same, written the same."""
    value = _read(arguments)
    try:
        return arguments if value is NOTHING else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError):  # deeper than can be written
        return arguments
