"""A recorded pair as one line of JSON, and back. Pure.

    {"id": "r-1", "session": "s-1", "path": "/v1/chat/completions", "headers": {"x-slipgauge-gold": "42"},
     "request": {…}, "baseline": ANSWER, "candidate": ANSWER, "repeat": ANSWER}

Only `request` is required: a row without both answers is a request that has still to be sent. `id` is the line's
number and `session` the id where they are left out, `path` that of chat completions. An ANSWER is
`{"status": 200, "body": {…}}`, or with `text` in the place of `body` what came as it came, such as a stream of
events with its `content_type`, or `{"end": "deadline"}` for one that never came whole (`refused`, `reset`,
`deadline`).

A line that has a `pair_id` is a kept case, as `slipgauge cases export` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from analyzers.pair import Capture, CapturedPair, End, media_type
from cases.case import CaseError, loads
from proxy.replay import cases

CHAT = "/v1/chat/completions"
ANALYZED_HEADERS = "x-slipgauge-"
"""Of a row's headers only such are kept: they are for analyzers, and no server sees them."""
_ENDS = {end.value: end for end in (End.REFUSED, End.RESET, End.DEADLINE)}


class RowError(ValueError):
    """A line that is no row; the message says what would be right."""


class UnfitError(Exception):
    """A kept case that cannot be replayed; the message says why."""


def read(line: bytes, number: int) -> CapturedPair:
    """The pair of one line, `number` in its file; an answer that is not there is ABORTED.

    Raises RowError, and UnfitError for a case that is one and cannot be replayed.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RowError(f"is no JSON: {error}") from None
    if isinstance(row, dict) and "pair_id" in row:
        return _case(line)
    if not isinstance(row, dict) or not isinstance(row.get("request"), dict):
        raise RowError("should be an object with a `request` that is an object")
    name = _text(row, "id", str(number))
    repeat = row.get("repeat")
    return CapturedPair(
        pair_id=name,
        session=_text(row, "session", name),
        primary="baseline",
        path=_text(row, "path", CHAT),
        body=orjson.dumps(row["request"]),
        baseline=_answer(row, "baseline"),
        candidate=_answer(row, "candidate"),
        repeat=None if repeat is None else _answer(row, "repeat"),
        headers=_headers(row.get("headers")),
    )


def write(pair: CapturedPair) -> bytes:
    """The line of a pair, with its line end."""
    row: dict[str, Any] = {"id": pair.pair_id, "session": pair.session, "path": pair.path}
    if pair.headers:
        row["headers"] = dict(pair.headers)
    row |= {"request": orjson.Fragment(pair.body)}
    row |= {"baseline": _told(pair.baseline), "candidate": _told(pair.candidate)}
    if pair.repeat is not None:
        row["repeat"] = _told(pair.repeat)
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def complete(pair: CapturedPair) -> bool:
    """Whether both answers are there, whatever they are."""
    return End.ABORTED not in (pair.baseline.end, pair.candidate.end)


def _case(line: bytes) -> CapturedPair:
    try:
        pair = cases.recorded(loads(line))
    except CaseError:
        raise RowError("has a `pair_id`, but is no case as `slipgauge cases export` writes them") from None
    except cases.UnfitError as error:
        raise UnfitError(str(error)) from None
    return replace(pair, headers=_headers(pair.headers))


def _text(row: Mapping[str, Any], name: str, default: str) -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or not value:
        raise RowError(f"`{name}` should be text")
    return value


def _headers(told: Any) -> Mapping[str, str]:
    if told is None:
        return {}
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise RowError("`headers` should be an object of texts")
    return {name.lower(): value for name, value in told.items() if name.lower().startswith(ANALYZED_HEADERS)}


def _answer(row: Mapping[str, Any], name: str) -> Capture:
    told = row.get(name)
    if told is None:
        return Capture(End.ABORTED)
    if not isinstance(told, dict):
        raise RowError(f"`{name}` should be an object")
    if "end" in told:
        end = told["end"]
        if not isinstance(end, str) or end not in _ENDS:
            raise RowError(f"`{name}.end` should be one of {', '.join(_ENDS)}")
        return Capture(_ENDS[end])
    status, text = told.get("status"), told.get("text")
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise RowError(f"`{name}.status` should be an HTTP status")
    if text is None and "body" in told:
        return Capture(End.COMPLETE, status, "application/json", body=orjson.dumps(told["body"]))
    if not isinstance(text, str):
        raise RowError(f"`{name}` should have a `body` of JSON or a `text`")
    content_type = told.get("content_type", "")
    if not isinstance(content_type, str):
        raise RowError(f"`{name}.content_type` should be text")
    return Capture(End.COMPLETE, status, content_type, body=text.encode("utf-8", "surrogatepass"))


def _told(capture: Capture) -> dict[str, Any] | None:
    if capture.end is End.ABORTED:
        return None
    if capture.end is not End.COMPLETE:
        return {"end": capture.end.value}
    told: dict[str, Any] = {"status": capture.status}
    if media_type(capture.content_type) == "application/json":
        try:
            orjson.loads(capture.body)
        except orjson.JSONDecodeError:
            pass
        else:
            return told | {"body": orjson.Fragment(capture.body)}
    return told | {"content_type": capture.content_type, "text": capture.body.decode("utf-8", "replace")}
