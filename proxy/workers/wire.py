"""What a parent sends its child: tasks, each a head of two lengths, a marshalled description, and the bodies.

The bodies are written as they were captured, so that what a client or a server sent is neither copied nor encoded
on the gateway's event loop. marshal is for programs that trust each other: the child trusts its parent. What the
child sends back is in `answers`, and is trusted in nothing.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.pair import Capture, CapturedPair, End

ARRIVALS = 320
"""Most arrivals of an answer that are sent: no more than its first 257 tokens are timed (`analyzers.reading`)."""

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
    cell: int
    """File descriptor of the shared cell."""
    link: int
    """File descriptor of the child's end of the socket pair."""


@dataclass(frozen=True, slots=True)
class Task:
    """The child's view of one pair, and the analyzers to run on it."""

    number: int
    asked: int
    """Bit n is set where the n-th analyzer is to run."""
    served: bool
    """Whether both arms answered; else only analyzers that score a missing answer run."""
    pair: CapturedPair
    """As captured, but for session, primary and inclusion, which no analyzer may see."""


def pack(number: int, asked: int, state: str, pair: CapturedPair) -> list[bytes]:
    """The parent's side: the buffers of one task, to be written one after the other."""
    bodies = [pair.body, pair.baseline.body, pair.candidate.body]
    told = [_told(pair.baseline), _told(pair.candidate)]
    if pair.repeat is not None:
        bodies.append(pair.repeat.body)
        told.append(_told(pair.repeat))
    sizes = list(map(len, bodies))
    description = marshal.dumps(
        (number, asked, state == "paired", pair.pair_id, pair.path, dict(pair.headers), sizes, told)
    )
    return [_HEAD.pack(len(description), sum(sizes)) + description, *bodies]


def _told(answer: Capture) -> tuple[object, ...]:
    return (
        _CODES[answer.end],
        answer.status,
        answer.content_type,
        answer.content_encoding,
        answer.arrivals[:ARRIVALS],
        answer.duration,
    )


def length(buffer: bytearray) -> int:
    """Bytes of the task that `buffer` begins with, as far as that is known yet."""
    return _HEAD.size + sum(_HEAD.unpack_from(buffer)) if len(buffer) >= _HEAD.size else _HEAD.size


def unpack(buffer: memoryview) -> Task:
    """The child's side: what `pack` packed."""
    described, _ = _HEAD.unpack_from(buffer)
    at = _HEAD.size + described
    number, asked, served, pair_id, path, headers, sizes, captures = marshal.loads(buffer[_HEAD.size : at])  # noqa: S302 - from the parent
    bodies = []
    for size in sizes:
        bodies.append(bytes(buffer[at : at + size]))
        at += size
    body, *answers = bodies
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
    return Task(number, asked, served, pair)
