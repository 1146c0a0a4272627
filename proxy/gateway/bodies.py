"""What an arm is asked for where that is not what the client wrote: one field's value, and no other byte. Pure.

A body written anew loses what no parser keeps: integers beyond 64 bits, the digits of a number, a name's first of
two values. So a value is replaced where it stands. Its name may stand elsewhere too, in a tool's schema or in
metadata; which is the body's own is told by reading it once with a number in each such place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import orjson

from proxy.gateway.eligibility import RESPONSES
from proxy.gateway.request import Request

SEEDED_PATHS = frozenset({b"/v1/chat/completions", b"/v1/completions", b"/v1/responses"})
"""Where vLLM takes a `seed` (vllm/entrypoints/openai/*/protocol.py); in /v1/messages there is none."""
_PLACES = 1_000
"""Most places of a name that are told apart: it costs the event loop time that belongs to every client."""
_LETTERS = (rb"\u006", rb"\u007")
"""How an escape begins that stands for a letter of a name."""


def renamed(body: bytes, parsed: Mapping[str, Any], model: str) -> bytes:
    """`body` asking for `model`; the same where it does already. `parsed` is the body, read."""
    return body if parsed["model"] == model else _with(body, parsed, "model", model)


def seeded(body: bytes, parsed: Mapping[str, Any], seed: int) -> bytes:
    """`body` with `seed`; the same where the client has set one."""
    return body if parsed.get("seed") is not None else _with(body, parsed, "seed", seed)


def mirror_body(request: Request, body: bytes, parsed: Mapping[str, Any]) -> bytes:
    """The body of the copy; `body` is the client's with the model already the arm's own."""
    if request.path != RESPONSES or parsed.get("store") is False:
        return body
    return _with(body, parsed, "store", False)


def _with(body: bytes, parsed: Mapping[str, Any], name: str, value: str | int) -> bytes:
    """An object's bytes with this field; where its place cannot be told, the whole of it written anew."""
    told = orjson.dumps(value)
    if name not in parsed:
        comma = b"," if parsed else b""
        return b'{"%b":%b%b' % (name.encode(), told, comma) + body.lstrip()[1:]
    found = None if isinstance(parsed[name], list | dict) else _own(body, name)
    if found is None:
        return orjson.dumps({**orjson.loads(body), name: value})
    start, end = found.span(2)
    return body[:start] + told + body[end:]


def _own(body: bytes, name: str) -> re.Match[bytes] | None:
    """Where the object's own field of that name stands; None where its name is in escapes or its value is long.

    Within a text a quote is escaped, so that whatever is found is a name, or the end of one, and its value.
    """
    found = list(islice(_field(name).finditer(body), _PLACES + 1))
    if not 0 < len(found) <= _PLACES:
        return None
    if body.count(b'"%b"' % name.encode()) == 1 and not any(spelled in body for spelled in _LETTERS):
        return found[0]
    numbered, end = [], 0
    for number, place in enumerate(found):
        numbered += [body[end : place.start(2)], b"[%d]" % number]
        end = place.end()
    own = orjson.loads(b"".join((*numbered, body[end:])))[name]
    return found[int(own[0])] if isinstance(own, list) else None


@lru_cache(maxsize=8)
def _field(name: str) -> re.Pattern[bytes]:
    """A name and its value, which is no object and no array, and short: whatever follows a name is read quickly."""
    text = rb'"[^"\\]{0,256}+(?:\\.[^"\\]{0,256}+){0,32}+"'
    return re.compile(rb'("%b"\s{0,64}+:\s{0,64}+)(%b|[\w.+-]{1,64}+)' % (name.encode(), text))
