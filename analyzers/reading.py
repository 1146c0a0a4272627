"""Captured bytes into what analyzers judge: `CapturedPair` -> `Pair`. Total: no bytes make it raise.

How a broken answer is shown, so that `served` counts it and nothing else scores it:

- a 2xx body that cannot be decoded, is no JSON, or is not what its API promises has `readable=False`;
- a stream that arrived whole by HTTP but lacks its end marker (`[DONE]`, `message_stop`, `response.completed`), or
  that carries an error object, has `End.RESET`: it broke off one layer above HTTP.

Limits: JSON nested deeper than 1,024 levels and strings with lone surrogates are unreadable (RFC 8259 section 8.2);
more than 128 choices or 256 tool calls likewise; times are read from streams without a content coding only, because
a coding's bytes cannot be told apart by event.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson

from analyzers import sse
from analyzers.apis import chat, messages, responses
from analyzers.apis.answer import Answer, MalformedError, Stream, mapping
from analyzers.decoding import UndecodableError, decode
from analyzers.pair import STREAM, Capture, CapturedPair, Choice, End, Exchange, Pair, Request, media_type

MAX_GAPS = 256
_UNREADABLE = (MalformedError, UndecodableError, orjson.JSONDecodeError)


def read_pair(captured: CapturedPair) -> Pair:
    """The pair as analyzers see it."""
    path = captured.path.partition("?")[0]
    return Pair(
        pair_id=captured.pair_id,
        request=Request(path, read_object(captured.body), captured.headers),
        baseline=read_exchange(path, captured.baseline),
        candidate=read_exchange(path, captured.candidate),
        repeat=None if captured.repeat is None else read_exchange(path, captured.repeat),
    )


def read_exchange(path: str, capture: Capture) -> Exchange:
    """One arm's answer to a request on `path`."""
    exchange = Exchange(end=capture.end, status=capture.status, duration=capture.duration)
    if capture.end is End.TOO_LARGE:
        return replace(exchange, choices=_read_cut(path, capture))
    if capture.end is not End.COMPLETE or capture.status is None or not 200 <= capture.status < 300:
        return exchange
    try:
        body = decode(capture.body, capture.content_encoding)
        if _is_stream(capture.content_type, body):
            return _read_stream(path, capture, body, exchange)
        answer = _read_body(path, body)
    except _UNREADABLE:
        return replace(exchange, readable=False)
    return replace(exchange, choices=answer.choices, usage=answer.usage)


def _read_cut(path: str, capture: Capture) -> tuple[Choice, ...]:
    """What a stream has said so far; nothing where the answer is none, or is compressed."""
    if capture.content_encoding or not _is_stream(capture.content_type, capture.body):
        return ()
    stream = _stream(path)
    try:
        for event in sse.Parser().feed(capture.body):
            stream.feed(event.name, event.data)
        return stream.answer().choices
    except _UNREADABLE:
        return ()


def read_object(body: bytes) -> Mapping[str, Any]:
    """A body's JSON object; empty where it is none, which puts a request outside every population but `served`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_stream(content_type: str, body: bytes) -> bool:
    kind = media_type(content_type)
    return kind == STREAM or (not kind and body.startswith((b"data:", b"event:", b":")))


def _read_body(path: str, body: bytes) -> Answer:
    value = mapping(orjson.loads(body))
    if path.endswith("/messages"):
        return messages.read(value)
    if path.endswith("/responses"):
        return responses.read(value)
    if path.endswith("/completions"):
        return chat.read(value)
    return Answer((), chat.usage(value.get("usage")))  # embeddings and the like generate no text


def _stream(path: str) -> Stream:
    if path.endswith("/messages"):
        return messages.MessagesStream()
    if path.endswith("/responses"):
        return responses.ResponsesStream()
    return chat.ChatStream()


def _read_stream(path: str, capture: Capture, body: bytes, exchange: Exchange) -> Exchange:
    stream = _stream(path)
    token_ends = [event.end for event in sse.Parser().feed(body) if stream.feed(event.name, event.data)]
    if stream.failed or not stream.finished:
        return replace(exchange, end=End.RESET)
    answer = stream.answer()
    times = [] if body is not capture.body else token_times(token_ends[: MAX_GAPS + 1], capture.arrivals)
    gaps = (later - earlier for earlier, later in pairwise(times))
    return replace(
        exchange,
        choices=answer.choices,
        usage=answer.usage,
        first_token=times[0] if times else None,
        gaps=tuple(gaps),
    )


def token_times(token_ends: Sequence[int], arrivals: Sequence[tuple[float, int]]) -> list[float]:
    """When each token's event was whole: the first arrival that reached its end offset.

    Tokens beyond the last recorded arrival have no time and are left out. A CRLF's LF belongs to the next arrival
    at worst, so the time is at most one arrival early.
    """
    offsets = [received for _, received in arrivals]
    at = (bisect_left(offsets, end) for end in token_ends)
    return [arrivals[position][0] for position in at if position < len(arrivals)]
