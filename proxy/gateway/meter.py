"""The gateway's own metrics, each child resolved once."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from analyzers.pair import End
from proxy.telemetry import Telemetry


class LegMeter:
    """Requests of one leg to one arm. Labels are from closed sets: a status beyond HTTP's own counts as "other"."""

    def __init__(self, telemetry: Telemetry, arm: str, leg: str) -> None:
        self._requests = telemetry.requests
        self._duration: Histogram = telemetry.request_duration.labels(arm=arm, leg=leg)
        self._arm = arm
        self._leg = leg
        self._children: dict[tuple[str, int | End], Counter] = {}

    def ended(self, operation: str, end: End, status: int | None, seconds: float) -> None:
        """One request ended. `seconds` since its send count where the answer came whole."""
        code: int | End = status if end == End.COMPLETE and status is not None else end
        child = self._children.get((operation, code))
        if child is None:
            label = code.value if isinstance(code, End) else str(code) if code < 600 else "other"
            child = self._requests.labels(arm=self._arm, leg=self._leg, operation=operation, code=label)
            self._children[operation, code] = child
        child.inc()
        if end == End.COMPLETE:
            self._duration.observe(seconds)
