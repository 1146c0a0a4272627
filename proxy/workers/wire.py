"""What a parent sends its child: tasks, each a head of two lengths, a marshalled description, and the bodies.

The bodies are written as they were captured, so that what a client or a server sent is neither copied nor encoded
on the gateway's event loop. marshal is for programs that trust each other: the child trusts its parent. What the
child sends back is in `answers`, and is trusted in nothing.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyzers.pair import Capture, CapturedPair, End
from verdict.segments import UNREAD

_HEAD = struct.Struct("<QQ")
"""Bytes of the description, bytes of the bodies."""
_CODES = {end: code for code, end in enumerate(End)}
_ENDS = tuple(End)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the parent decides for a child; travels as JSON in its argument."""

    analyzers: Sequence[str]
    memory_bytes: int
    cpu_seconds: float
    """For one task, all analyzers together."""
    shares: Mapping[str, float]
    """By analyzer, the share of pairs for which it may ask further requests; none where it is not named."""
    golds: str | None
    """Path of a file of right answers; see `proxy.workers.golds`."""
    cell: int
    """File descriptor of the shared cell."""
    link: int
    """File descriptor of the child's end of the socket pair."""
    redactor: str | None = None
    """Name of the operator's own redactor."""
    store_text: bool = True
    """Whether cases carry redacted texts."""


@dataclass(frozen=True, slots=True)
class Task:
    """The child's view of one pair, and the analyzers to run on it."""

    number: int
    asked: int
    """Bit n is set where the n-th analyzer is to run."""
    blind: int
    """Bit n is set where the n-th analyzer may see no answer, since one has killed it, and says what X can be."""
    state: str
    """The pair's ledger state."""
    pair: CapturedPair
    """As captured, but for session, subject, client, primary and inclusion, which no analyzer may see."""
    replies: tuple[tuple[int, bytes], ...] = ()
    """Status and body of the answers to what the one asked analyzer needed before."""
    language: bool = False
    """Whether to tell in which language the request is."""
    keep: bool = False
    """Whether the pair may be kept as a case."""
    floors: Mapping[str, float] | None = None
    """By stratum of the case pool, what a rank must exceed; None where they are as before."""


def pack(
    number: int,
    asked: int,
    state: str,
    pair: CapturedPair,
    replies: Sequence[tuple[int, bytes]] = (),
    *,
    blind: int = 0,
    keep: bool = False,
    floors: Mapping[str, float] | None = None,
) -> list[bytes]:
    """The parent's side: the buffers of one task, to be written one after the other. See `Task`."""
    bodies = [pair.body, pair.baseline.body, pair.candidate.body]
    told = [_told(pair.baseline), _told(pair.candidate)]
    if pair.repeat is not None:
        bodies.append(pair.repeat.body)
        told.append(_told(pair.repeat))
    bodies += [body for _, body in replies]
    sizes = list(map(len, bodies))
    statuses = [status for status, _ in replies]
    request = (pair.pair_id, pair.path, dict(pair.headers))
    language = UNREAD in pair.segments
    about = (*request, sizes, told, statuses, language, keep, None if floors is None else dict(floors))
    description = marshal.dumps((number, asked, blind, state, *about))
    return [_HEAD.pack(len(description), sum(sizes)) + description, *bodies]


def _told(answer: Capture) -> tuple[object, ...]:
    return (
        _CODES[answer.end],
        answer.status,
        answer.content_type,
        answer.content_encoding,
        answer.arrivals,
        answer.duration,
    )


def length(buffer: bytearray) -> int:
    """Bytes of the task that `buffer` begins with, as far as that is known yet."""
    return _HEAD.size + sum(_HEAD.unpack_from(buffer)) if len(buffer) >= _HEAD.size else _HEAD.size


def unpack(buffer: memoryview) -> Task:
    """The child's side: what `pack` packed."""
    length, _ = _HEAD.unpack_from(buffer)
    at = _HEAD.size + length
    described = marshal.loads(buffer[_HEAD.size : at])  # noqa: S302 - from the parent
    number, asked, blind, state, pair_id, path, headers, sizes, captures, statuses, *wanted = described
    language, keep, floors = wanted
    bodies = []
    for size in sizes:
        bodies.append(bytes(buffer[at : at + size]))
        at += size
    body, *rest = bodies
    answers, replies = rest[: len(captures)], rest[len(captures) :]
    baseline, candidate, *repeat = (
        Capture(_ENDS[end], status, content_type, coding, answer, arrivals, duration)
        for (end, status, content_type, coding, arrivals, duration), answer in zip(captures, answers, strict=True)
    )
    pair = CapturedPair(
        pair_id=pair_id,
        session="",
        primary="",
        path=path,
        body=body,
        baseline=baseline,
        candidate=candidate,
        repeat=repeat[0] if repeat else None,
        headers=headers,
    )
    return Task(
        number, asked, blind, state, pair, tuple(zip(statuses, replies, strict=True)), language, keep, floors
    )
