"""Whether an answer is the JSON that was asked for.

Detects, apart for servers told to constrain their output (`json.constrained`) and for mere prompts
(`json.prompted`): an answer that is empty, a refusal, cut off by the token limit, wrapped in a code fence or in
prose, not JSON, not an object or array, or against the request's JSON Schema, labelled with the keyword it fails
first. JSON is RFC 8259, strictly: no NaN, no comments, no trailing comma, no lone surrogate, at most 1,024 levels
deep, numbers within a double's range. Of repeated names the last counts, as in most parsers; RFC 8259 section 4
leaves that open.

Cannot tell: whether the values are right. Requests that offer tools are left out, since a call may stand in the
answer's place. Schemas with look-around patterns are not applied (see `schemas`).

Source: RFC 8259, JSON Schema 2020-12 and earlier drafts by `$schema`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, ClassVar

import orjson

from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.json_answer import schemas
from analyzers.json_answer.asked import Wanted, wanted
from analyzers.pair import Choice, Exchange, Request
from analyzers.refusal.answers import Refusal, classify

CONSTRAINED = "json.constrained"
PROMPTED = "json.prompted"
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n?(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
MAX_OPENINGS = 50
"""Fences, and places in prose, where JSON is looked for."""


class JsonAnswer(PerAnswer):
    """F = 1 where the answer is not the JSON asked for."""

    name: ClassVar[str] = "json"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = (CONSTRAINED, PROMPTED)
    labels: ClassVar[frozenset[str]] = frozenset(
        {"ok", "empty", "refused", "truncated", "fenced", "prose", "syntax", "not_object", "schema_other"}
        | {f"schema_{keyword}" for keyword in schemas.KEYWORDS}
    )

    def variable(self, request: Request) -> str | None:
        """See `asked`."""
        want = wanted(request)
        if want is None:
            return None
        return CONSTRAINED if want.constrained else PROMPTED

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        want = wanted(request) or Wanted(constrained=False)
        scores = (_judge(want, choice) for choice in answer.choices)
        return mean(scores, otherwise=Score(1.0, "empty"))


def _judge(want: Wanted, choice: Choice) -> Score:
    text = choice.text.strip()
    if not text:
        return Score(1.0, "refused" if choice.refusal else "empty")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Score(1.0, _why_no_json(text, choice))
    if not isinstance(value, dict) and (want.object_only or (want.schema is None and not isinstance(value, list))):
        return Score(1.0, "not_object")
    if keyword := schemas.failing_keyword(want.schema, value):
        return Score(1.0, f"schema_{keyword}")
    return GOOD


def _why_no_json(text: str, choice: Choice) -> str:
    if choice.finish_reason == "length":
        return "truncated"
    if any(_parses(match[1]) for match in islice(_FENCE.finditer(text), MAX_OPENINGS)):
        return "fenced"
    if _holds_json(text):
        return "prose"
    return "refused" if choice.refusal or classify(text) is Refusal.FULL else "syntax"


def _parses(text: str) -> bool:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, Mapping | list)


def _holds_json(text: str) -> bool:
    """Whether a whole JSON object or array, not empty, stands somewhere in `text`."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    for opening in islice(_OPENING.finditer(text), MAX_OPENINGS):
        try:
            value, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        if value and end - opening.start() < len(text):
            return True
    return False


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
