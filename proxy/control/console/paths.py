"""Where two JSON values differ, by path. Pure, and bounded in what it looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

MOST = 200
"""Most differences that are told of."""
LARGEST = 100_000
"""Characters beyond which an answer is not read as JSON here."""
DEEPEST = 50
"""Levels beyond which values are compared whole."""
SHOWN = 300
"""Characters of a value that are told."""
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_MISSING = object()
"""Stands where one of the two has no such member."""


class Difference(NamedTuple):
    """One place at which the answers differ; None where one has nothing there."""

    path: str
    """As JSONPath writes it (RFC 9535), from `$`."""
    baseline: str | None
    candidate: str | None


def differences(baseline: str, candidate: str) -> list[Difference] | None:
    """At most MOST places, in the baseline's order; None where not both are JSON objects or arrays."""
    ours, theirs = _read(baseline), _read(candidate)
    if not isinstance(ours, dict | list) or not isinstance(theirs, dict | list):
        return None
    return list(islice(_walk("$", ours, theirs, DEEPEST), MOST))


def _read(text: str) -> Any:
    """The JSON value, also within a fence; None where it is none."""
    if len(text) > LARGEST:
        return None
    fenced = _FENCED.match(text)
    try:
        return orjson.loads(fenced.group(1) if fenced else text)
    except orjson.JSONDecodeError:
        return None


def _walk(path: str, ours: Any, theirs: Any, deep: int) -> Iterator[Difference]:
    if deep and isinstance(ours, dict) and isinstance(theirs, dict):
        for name in dict.fromkeys((*ours, *theirs)):
            left, right = ours.get(name, _MISSING), theirs.get(name, _MISSING)
            yield from _walk(f"{path}{_member(name)}", left, right, deep - 1)
    elif deep and isinstance(ours, list) and isinstance(theirs, list):
        for at in range(max(len(ours), len(theirs))):
            left, right = (each[at] if at < len(each) else _MISSING for each in (ours, theirs))
            yield from _walk(f"{path}[{at}]", left, right, deep - 1)
    elif (told := _told(ours)) != (to := _told(theirs)):
        yield Difference(path, *(None if each is None else _cut(each) for each in (told, to)))


def _member(name: str) -> str:
    return f".{name}" if _PLAIN.fullmatch(name) else f"[{orjson.dumps(name).decode()}]"


def _told(value: Any) -> str | None:
    """The value as JSON; None where there is none. What is nested too deep to be written is all alike."""
    try:
        return None if value is _MISSING else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        return "…"


def _cut(told: str) -> str:
    return told if len(told) <= SHOWN else f"{told[:SHOWN]}…"
