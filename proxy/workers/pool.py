"""Pairs in, reports out: a bounded queue before a few analyzer processes.

Every submitted pair gives exactly one report with exactly one outcome per enabled analyzer, whatever the analyzers
do; a pair that was refused before it was built is counted and gives none. A child that overruns, dies or talks
nonsense is replaced; the analyzer it was running is KILLED for that pair, and the pair's others are scored by the
next child.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from analyzers import registry
from analyzers.pair import CapturedPair
from proxy import config
from proxy.report import Analysis, Report
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from proxy.workers.job import Job
from proxy.workers.slot import Slot

REFUSED = ("pairs", "bytes", "shutdown")
"""Why there may be no room for a pair."""

_log = structlog.get_logger(__name__)


class WorkerPool:
    """Scores pairs beside the event loop. Raises analyzers.registry.AnalyzerError when made with a bad analyzer."""

    def __init__(
        self, analysis: config.Analysis, telemetry: Telemetry, on_report: Callable[[Report], None]
    ) -> None:
        self._config = analysis
        self._telemetry = telemetry
        self._on_report = on_report
        self._analyzers = {analyzer.name: analyzer for analyzer in registry.load(analysis.enabled)}
        self._names = tuple(self._analyzers)
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._open = 0
        self._bytes = 0
        self._bytes_peak = 0
        self._submitted = 0
        self._dropped = 0
        self._refused = dict.fromkeys(REFUSED, 0)
        self._idle = asyncio.Event()
        self._idle.set()
        self._slots = [Slot(self._analyzers, analysis, telemetry) for _ in range(analysis.workers)]
        self._workers: list[asyncio.Task[None]] = []
        self._accepting = False

    async def start(self) -> None:
        """Start the processes. They come up in the background; pairs wait for them in the queue."""
        self._accepting = True
        self._workers = [spawn(self._work(slot), name="analyzer-worker") for slot in self._slots]

    async def drain(self) -> None:
        """Wait until every submitted pair has been reported."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Kill the processes. Pairs not yet scored are reported as DROPPED; nothing is accepted any more."""
        self._accepting = False
        await cancel(*self._workers)
        self._workers = []
        while not self._queue.empty():
            self._drop(self._queue.get_nowait(), "shutdown")

    def has_room(self, size: int) -> bool:
        """Whether a pair that holds `size` bytes would be queued. Ask before building it; else `refuse`."""
        return (
            self._open < self._config.queue_pairs
            and self._bytes + size <= self._config.queue_bytes
            and self._accepting
        )

    def refuse(self) -> None:
        """Count a pair that was not built for want of room: dropped for every analyzer. Follows `has_room`."""
        self._refused[self._why_not()] += 1

    @property
    def refused(self) -> Mapping[str, int]:
        """Pairs refused so far by reason, each of REFUSED; no report tells of them."""
        return self._refused

    def submit(self, pair: CapturedPair, state: str) -> bool:
        """Queue a pair in ledger state `state`; never blocks. False where it was dropped, which is reported too."""
        job = Job(pair, state, self._names)
        taken, reason = self.has_room(job.size), self._why_not()
        self._submitted += 1
        self._hold(job, 1)
        if taken:
            self._bytes_peak = max(self._bytes_peak, self._bytes)
            self._queue.put_nowait(job)
        else:
            self._drop(job, reason)
        return taken

    def statistics(self) -> dict[str, int]:
        """Pairs submitted, refused, open (waiting or being scored) and dropped; bytes held, and most held."""
        return {
            "submitted": self._submitted,
            "refused": sum(self._refused.values()),
            "open": self._open,
            "dropped": self._dropped,
            "bytes": self._bytes,
            "bytes_peak": self._bytes_peak,
        }

    async def _work(self, slot: Slot) -> None:
        job: Job | None = None
        try:
            while True:
                job = await self._queue.get()
                await slot.score(job)
                self._report(job)
                job = None
        finally:
            if job is not None:
                self._drop(job, "shutdown")
            await slot.close()

    def _why_not(self) -> str:
        """The reason for refusing a pair that there is no room for."""
        if not self._accepting:
            return "shutdown"
        return "bytes" if self._open < self._config.queue_pairs else "pairs"

    def _hold(self, job: Job, sign: int) -> None:
        self._open += sign
        self._bytes += sign * job.size
        self._telemetry.queue_bytes.set(self._bytes)
        if self._open:
            self._idle.clear()
        else:
            self._idle.set()

    def _drop(self, job: Job, reason: str) -> None:
        self._dropped += 1
        self._telemetry.queue_dropped.labels(reason).inc()
        job.give_up(Analysis.DROPPED)
        self._report(job)

    def _report(self, job: Job) -> None:
        try:
            self._on_report(job.report())
        except Exception as error:
            _log.error("report not taken", error=type(error).__name__)
        finally:
            self._hold(job, -1)
