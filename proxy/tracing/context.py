"""To which trace a request belongs: W3C Trace Context (https://www.w3.org/TR/trace-context/). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

SAMPLED = 0x01
RANDOM = 0x02
"""Of the flags: the trace's id was drawn at random."""
MAX_STATE = 512
"""Most characters of a `tracestate` that go into a span."""
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MEMBER = re.compile(rb"[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]")
_MEMBERS = 32


class Context(NamedTuple):
    """The span that a request comes from."""

    trace_id: bytes
    span_id: bytes
    flags: int
    state: bytes = b""
    """The `tracestate`, where it is a good one."""

    @property
    def sampled(self) -> bool:
        """Whether the caller records its part of the trace."""
        return bool(self.flags & SAMPLED)


def read(lines: Sequence[bytes]) -> Context | None:
    """What a request's header lines say; None where they name no trace, or not as the standard has it."""
    parents = _values(lines, b"traceparent")
    found = _PARENT.fullmatch(parents[0]) if len(parents) == 1 else None
    if found is None:
        return None
    version, trace_id, span_id, flags = (bytes.fromhex(part.decode()) for part in found.groups()[:4])
    # Version 00 ends there; a later one may say more, behind a dash, and ff is none.
    if version == b"\xff" or (version == b"\x00" and found[5] is not None) or not (any(trace_id) and any(span_id)):
        return None
    return Context(trace_id, span_id, flags[0] & (SAMPLED | RANDOM), _state(_values(lines, b"tracestate")))


def without(lines: Sequence[bytes], *, state: bool) -> list[bytes]:
    """The lines without the caller's place in the trace; `tracestate` stays where `state` says that it is good."""
    gone = {b"traceparent"} if state else {b"traceparent", b"tracestate"}
    return [line for line in lines if _name(line) not in gone]


def written(trace_id: bytes, span_id: bytes, flags: int) -> str:
    """The `traceparent` of a request that comes from this span."""
    return f"00-{trace_id.hex()}-{span_id.hex()}-{flags:02x}"


def _state(values: Sequence[bytes]) -> bytes:
    """The members of every `tracestate` in order; nothing where one of them is malformed."""
    members = [part for each in values for member in each.split(b",") if (part := member.strip(b" \t"))]
    keys = {member.partition(b"=")[0] for member in members}
    good = len(members) == len(keys) <= _MEMBERS and all(map(_MEMBER.fullmatch, members))
    return b",".join(members) if good else b""


def _values(lines: Sequence[bytes], name: bytes) -> list[bytes]:
    return [each.partition(b":")[2].strip(b" \t") for each in lines if _name(each) == name]


def _name(header: bytes) -> bytes:
    return header.partition(b":")[0].lower()
