"""What a bounded channel takes, and what it counts where it is full. Pure but for the count."""

from __future__ import annotations

from proxy.report import PAIRED, Mark, Message, Report
from proxy.telemetry import Telemetry


class Admission:
    """Drops are counted in queue_dropped_total{reason="channel"}.

    What became of a waiting analyzer is dropped only together with the pair's first report, since that alone is
    counted as dropped; how many may wait is bounded where they are asked for.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._full = telemetry.queue_dropped.labels("channel")
        self._missed: set[tuple[str, str]] = set()
        """Pair and analyzer whose further report must not be counted, since the first was dropped."""

    def admits(self, message: Message, *, full: bool) -> bool:
        """Whether the channel takes the message; what it does not take is counted."""
        if isinstance(message, Mark):
            return not full  # the next one says more
        if message.further:
            missed = {(message.pair_id, analyzer) for analyzer in message.analyses} & self._missed
            self._missed -= missed
            return not missed
        if full:
            self.drop(message)
        return not full

    def drop(self, first: Report) -> None:
        """Count a pair's first report that does not arrive."""
        if first.state in PAIRED:
            self._full.inc()
        self._missed.update((first.pair_id, analyzer) for analyzer in first.waiting)
