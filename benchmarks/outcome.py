"""What one run of load gave, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Seen:
    """What the clients saw. An unanswered request counts with the time it has waited."""

    seconds: float = 0.0
    """From the first request to the last answer."""
    latencies: list[int] = field(default_factory=list)
    """Microseconds from arrival to the end of the answer."""
    lateness: list[int] = field(default_factory=list)
    """Microseconds from an event's sending to its arrival."""
    errors: dict[str, int] = field(default_factory=dict)
    """Requests that failed, by how."""


@dataclass(frozen=True)
class Outcome:
    """One run, seen from all sides."""

    seen: Seen
    requests: int
    cpu: float
    """Seconds of CPU that the peer took, from before the load until the servers were quiet again."""
    mirrored: int
    """Requests that reached the candidate whole."""
    states: Mapping[str, int]
    """What the peer says became of the requests; empty where it says nothing."""
    resident: int
    """Bytes of the peer in RAM afterwards."""
