"""Pairs in, reports out: a bounded queue before a few analyzer processes.

Every pair that is queued gives exactly one report with exactly one outcome per enabled analyzer, whatever the
analyzers do; a pair that is not queued is only counted. A child that overruns, dies or talks nonsense is replaced;
the analyzer it was running is KILLED for that pair, the pair's others are scored by the next child, and its
session's further pairs are passed over for a time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from operator import attrgetter

import structlog

from analyzers import registry
from analyzers.pair import CapturedPair
from proxy import config
from proxy.report import Analysis, Report
from proxy.telemetry import Telemetry
from proxy.workers.answers import Answers
from proxy.workers.job import Job
from proxy.workers.penalties import Penalties
from proxy.workers.slot import Slot

DROPPED = ("pairs", "bytes", "penalty", "shutdown")
"""Why a pair may not be queued."""

_log = structlog.get_logger(__name__)
_load = attrgetter("load")


class WorkerPool:
    """Scores pairs beside the event loop. Raises analyzers.registry.AnalyzerError when made with a bad analyzer."""

    def __init__(
        self, analysis: config.Analysis, telemetry: Telemetry, on_report: Callable[[Report], None]
    ) -> None:
        analyzers = registry.load(analysis.enabled)
        self._names = tuple(analyzer.name for analyzer in analyzers)
        self._dropped_for = {reason: telemetry.queue_dropped.labels(reason) for reason in DROPPED}
        self._bytes_shown = telemetry.queue_bytes.labels()
        self._on_report = on_report
        self._waiting: deque[Job] = deque()
        answers = Answers(analyzers)
        self._slots = [
            Slot(self._waiting, answers, analysis, telemetry, done=self._report, lost_to=self._lost_to)
            for _ in range(analysis.workers)
        ]
        self._most_pairs = analysis.queue_pairs
        self._most_bytes = analysis.queue_bytes
        self._open = 0
        self._bytes = 0
        self._bytes_peak = 0
        self._submitted = 0
        self._dropped = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._penalties = Penalties()
        self._accepting = False

    async def start(self) -> None:
        """Take pairs. The processes come up with the first of them."""
        self._accepting = True

    async def drain(self) -> None:
        """Wait until every queued pair has been reported."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Kill the processes. Pairs not yet scored are reported as DROPPED; nothing is accepted any more."""
        self._accepting = False
        for slot in self._slots:
            await slot.close()
        while self._waiting:
            self._give_up(self._waiting.popleft())

    def has_room(self, size: int) -> bool:
        """Whether a pair that holds `size` bytes would be queued. Ask before building it; else `refuse`."""
        return self._open < self._most_pairs and self._bytes + size <= self._most_bytes and self._accepting

    def refuse(self) -> None:
        """Count a pair that was not built for want of room: dropped for every analyzer. Follows `has_room`."""
        if not self._accepting:
            self._drop("shutdown")
        else:
            self._drop("bytes" if self._open < self._most_pairs else "pairs")

    def submit(self, pair: CapturedPair, state: str) -> bool:
        """Queue a pair in ledger state `state`; never blocks. False where it was dropped, which is counted."""
        job = Job(pair, state, self._names)
        held = job.size
        if not self.has_room(held):
            self.refuse()
            return False
        if self._penalties.holds(pair.session, time.monotonic()):
            self._drop("penalty")
            return False
        self._submitted += 1
        self._open += 1
        self._bytes = held = self._bytes + held
        self._bytes_shown.set(held)
        self._bytes_peak = max(self._bytes_peak, held)
        self._idle.clear()
        self._waiting.append(job)
        if len(self._waiting) == 1:  # where others wait already, no child has room
            self._spread()
        return True

    def statistics(self) -> dict[str, int]:
        """Pairs queued, open (waiting or being scored) and dropped before that; bytes held, and most held."""
        return {
            "submitted": self._submitted,
            "open": self._open,
            "dropped": self._dropped,
            "bytes": self._bytes,
            "bytes_peak": self._bytes_peak,
        }

    def _lost_to(self, session: str | None) -> None:
        if session is not None:
            self._penalties.punish(session, time.monotonic())
            jobs = list(self._waiting)
            self._waiting.clear()
            for job in jobs:
                if job.untouched and job.pair.session == session:
                    self._give_up(job)
                else:
                    self._waiting.append(job)
        self._spread()

    def _spread(self) -> None:
        for slot in sorted(self._slots, key=_load):
            slot.fill()

    def _release(self, job: Job) -> None:
        self._open -= 1
        self._bytes -= job.size
        self._bytes_shown.set(self._bytes)
        if not self._open:
            self._idle.set()

    def _drop(self, reason: str) -> None:
        self._dropped += 1
        self._dropped_for[reason].inc()

    def _give_up(self, job: Job) -> None:
        job.give_up(Analysis.DROPPED)
        self._report(job)

    def _report(self, job: Job) -> None:
        try:
            self._on_report(job.report())
        except Exception as error:
            _log.error("report not taken", error=type(error).__name__)
        finally:
            self._release(job)
