"""How requests to an arm ended, counted in a few memory writes each."""

from __future__ import annotations

from bisect import bisect_left

from analyzers.pair import End
from proxy.telemetry import CODES, REQUEST_BUCKETS, Telemetry

_COMPLETE = End.COMPLETE
_BOUNDS: tuple[float, ...] = REQUEST_BUCKETS  # of no fixed length: compiled, that would be copied for every call
_OTHER = CODES.index("other")
_CODES: dict[int | End | None, int] = {
    int(code) if code.isdecimal() else End(code): offset for offset, code in enumerate(CODES) if offset != _OTHER
}


class LegMeter:
    """Requests of one leg to one arm. Labels are from closed sets: a status beyond HTTP's own counts as "other"."""

    def __init__(self, telemetry: Telemetry, arm: str, leg: str) -> None:
        self._slots = telemetry.blocks[0].slots
        self._requests = telemetry.requests
        self._labels = (arm, leg)
        self._first: dict[str, int] = {}
        """By operation, its series' slot of code 0."""
        duration = telemetry.request_duration.labels(arm, leg)
        self._buckets, self._sum = duration.first, duration.total

    def ended(self, operation: str, end: End, status: int | None, seconds: float) -> None:
        """One request ended. `seconds` since its send count where the answer came whole."""
        first = self._first.get(operation)
        if first is None:
            first = self._first[operation] = self._requests.first(*self._labels, operation)
        slots = self._slots
        if end is not _COMPLETE:
            slots[first + _CODES[end]] += 1.0
            return
        slots[first + _CODES.get(status, _OTHER)] += 1.0
        slots[self._buckets + bisect_left(_BOUNDS, seconds)] += 1.0
        slots[self._sum] += seconds
