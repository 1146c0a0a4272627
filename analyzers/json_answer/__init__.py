"""Whether an answer is the JSON that was asked for.

Detects, apart for servers told to constrain their output (`json.constrained`), for mere prompts (`json.prompted`),
for either where tools are offered as well (`json.tools`, where a call is as good as an answer and the analyzer
`tools` looks at it), and for constraints that the server ignores (`json.ignored`): an answer that is empty, a
refusal, cut off by the token limit, wrapped in a code fence or in prose, not JSON, not an object or array, or
against the request's JSON Schema, labelled with the keyword it fails first. `explain` says where in the schema that
keyword stands; the path is told to those who may see the request, and is in no finding. JSON is RFC 8259, strictly:
no NaN, no comments, no trailing comma, no lone surrogate, at most 1,024 levels deep, numbers within a double's
range. Of repeated names the last counts, as in most parsers; RFC 8259 section 4 leaves that open.

Cannot tell: whether the values are right. Schemas with look-around patterns are not applied (see
`analyzers.schemas`).

Source: RFC 8259, JSON Schema 2020-12 and earlier drafts by `$schema`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, ClassVar

import orjson

from analyzers import schemas
from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.json_answer.asked import CONSTRAINED, IGNORED, PROMPTED, TOOLS, Wanted, wanted
from analyzers.pair import Choice, Exchange, Request
from analyzers.refusal.answers import Refusal, classify
from analyzers.schemas import Failure

MAX_OPENINGS = 50
"""Fences, and places in prose, where JSON is looked for."""
MAX_CHARS = 65_536
"""So much of an answer that is no JSON is looked at for the reason."""
_FENCE = re.compile(r"```[\w+-]*+[ \t]*+\n?+(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")


class JsonAnswer(PerAnswer):
    """F = 1 where the answer is not the JSON asked for."""

    name: ClassVar[str] = "json"
    version: ClassVar[str] = "3"
    variables: ClassVar[tuple[str, ...]] = (CONSTRAINED, PROMPTED, TOOLS, IGNORED)
    labels: ClassVar[frozenset[str]] = schemas.LABELS | {
        "ok", "empty", "refused", "truncated", "fenced", "prose", "syntax", "not_object",
    }  # fmt: skip

    def variable(self, request: Request) -> str | None:
        """See `asked`."""
        want = wanted(request)
        return None if want is None else want.population

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        want = wanted(request)
        if want is None:
            return GOOD
        return mean((_judge(want, choice) for choice in answer.choices), otherwise=Score(1.0, "empty"))


def explain(request: Request, choice: Choice) -> Failure | None:
    """Why an answer is not what was asked for, with the path of the schema's keyword where it fails one."""
    want = wanted(request)
    return None if want is None else _failure(want, choice)


def _judge(want: Wanted, choice: Choice) -> Score:
    failure = _failure(want, choice)
    return GOOD if failure is None else Score(1.0, failure.label)


def _failure(want: Wanted, choice: Choice) -> Failure | None:
    if choice.tool_calls and want.population in (TOOLS, IGNORED):
        return None
    text = choice.text.strip()
    failure = schemas.failure(want.schema, choice.text) if want.plain else None
    if want.plain and (failure is None or text):  # nothing may be what a pattern asks for
        return Failure("truncated", ()) if failure and choice.finish_reason == "length" else failure
    if not text:
        return Failure("refused" if choice.refusal else "empty", ())
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Failure(_why_no_json(text[:MAX_CHARS], choice), ())
    if not isinstance(value, dict) and (want.object_only or (want.schema is None and not isinstance(value, list))):
        return Failure("not_object", ())
    return schemas.failure(want.schema, value)


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
    """Whether a whole JSON object or array, not empty, stands in `text` beside something else."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    places = 1 if _OPENING.match(text) else MAX_OPENINGS  # a part of broken JSON is no whole
    for opening in islice(_OPENING.finditer(text), places):
        try:
            value, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        if value and end - opening.start() < len(text):
            return True
    return False


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
