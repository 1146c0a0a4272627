"""The few words of a server's answer that a trace holds: which model, how many tokens, why it ended. Pure.

Only what the server itself says, at the places where the APIs say it; of what the model wrote nothing is looked at.
The analyzers read whole answers in processes that may be killed. Here a few kilobytes are read, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from analyzers.pair import STREAM, Capture, media_type

MOST = 65_536
"""Bytes of an answer in one piece; a larger one goes unread."""
_HEAD, _TAIL = 4_096, 8_192
"""Bytes of a stream that are read at its front and at its end."""
_EVENT = re.compile(rb"^data: ?(\{.*\})\r?$", re.MULTILINE)
_REASON = re.compile(r"[a-z_]{1,32}")
_INPUT = ("prompt_tokens", "input_tokens")
_OUTPUT = ("completion_tokens", "output_tokens")


class Answer(NamedTuple):
    """What a server says of its answer."""

    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reasons: tuple[str, ...] = ()


def read(capture: Capture) -> Answer:
    """What is said in there, as far as it is told plainly."""
    if capture.content_encoding not in ("", "identity"):
        return Answer()
    model, used, reasons = "", dict[bool, int](), list[str]()
    for said in _objects(capture):
        model = model or _model(said)
        used.update(_usage(said))
        reasons += _reasons(said)
    return Answer(model, used.get(False), used.get(True), tuple(reasons[:16]))


def _objects(capture: Capture) -> Iterator[Mapping[str, Any]]:
    """What speaks for the server: the answer, or each event that is read, and what these wrap."""
    body = capture.body
    if media_type(capture.content_type) == STREAM:
        ends = (body,) if len(body) <= _HEAD + _TAIL else (body[:_HEAD], body[-_TAIL:])
        pieces = [found[1] for end in ends for found in _EVENT.finditer(end)]
    else:
        pieces = [body] if len(body) <= MOST else []
    for piece in pieces:
        try:
            said = orjson.loads(piece)
        except orjson.JSONDecodeError:
            continue
        for each in (said, *(said.get(key) for key in ("message", "response"))) if isinstance(said, dict) else ():
            if isinstance(each, dict):
                yield each


def _model(said: Mapping[str, Any]) -> str:
    model = said.get("model")
    return model if isinstance(model, str) and len(model) <= 256 and model.isprintable() else ""


def _usage(said: Mapping[str, Any]) -> Iterator[tuple[bool, int]]:
    """Tokens by whether they were made."""
    usage = said.get("usage")
    if isinstance(usage, dict):
        for made, names in ((False, _INPUT), (True, _OUTPUT)):
            for name in names:
                count = usage.get(name)
                if type(count) is int and 0 <= count < 2**53:
                    yield made, count


def _reasons(said: Mapping[str, Any]) -> Iterator[str]:
    choices, delta = said.get("choices"), said.get("delta")
    every = choices if isinstance(choices, list) else []
    given = [each.get("finish_reason") for each in every if isinstance(each, dict)]
    given += [each.get("stop_reason") for each in (said, delta) if isinstance(each, dict)]
    yield from (reason for reason in given if isinstance(reason, str) and _REASON.fullmatch(reason))
