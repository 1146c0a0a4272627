"""Pairs in, reports out: a bounded queue before a few analyzer processes.

Every pair that is queued gives exactly one report, and one further report for each analyzer that was waiting there:
together one outcome per enabled analyzer, whatever the analyzers do; a pair that is not queued is only counted. A
child that overruns, dies or talks nonsense is replaced; the analyzer it was running is KILLED for that pair, the
pair's others are scored by the next child, and its session's further pairs are passed over for a time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Protocol

import structlog

from analyzers import registry
from analyzers.finding import Probe
from analyzers.pair import CapturedPair
from proxy import config
from proxy.config_cases import Cases
from proxy.offer import Offer
from proxy.report import PAIRED, PASSED_OVER, UNSENT, Analysis, Report, Unmeasured
from proxy.telemetry import Telemetry
from proxy.workers.answers import UNREDACTED, Answers
from proxy.workers.job import MAX_ROUNDS, Job, Replies
from proxy.workers.penalties import Penalties
from proxy.workers.slot import Slot
from proxy.workers.window import Floors

DROPPED = ("pairs", "bytes", "penalty", "shutdown")
"""Why a pair may not be queued."""

_log = structlog.get_logger(__name__)
_load = attrgetter("load")


class Asker(Protocol):
    """Who makes the further requests that analyzers need."""

    def ask(
        self, analyzer: str, pair: CapturedPair, probes: Sequence[Probe], done: Callable[[Replies | None], None]
    ) -> None:
        """Ask all of it, and call `done` once, in a later turn of the loop: None where not all came back."""
        ...

    async def close(self) -> None:
        """Give up what is under way, which is told."""
        ...


class WorkerPool:
    """Scores pairs beside the event loop. Raises analyzers.registry.AnalyzerError when made with a bad analyzer."""

    def __init__(
        self,
        analysis: config.Analysis,
        telemetry: Telemetry,
        on_report: Callable[[Report], None],
        shares: Mapping[str, float] = MappingProxyType({}),
        *,
        keeping: Cases | None = None,
        on_offer: Callable[[Offer], None] = lambda _: None,
    ) -> None:
        analyzers = registry.load(analysis.enabled)
        self._names = tuple(analyzer.name for analyzer in analyzers)
        self._dropped_for = {reason: telemetry.queue_dropped.labels(reason) for reason in DROPPED}
        self._bytes_shown = telemetry.queue_bytes.labels()
        self._on_report = on_report
        self._on_offer = on_offer
        self._unredacted = telemetry.case_offers.labels("dropped_redaction")
        self.floors = Floors()
        """What the case pool asks of a pair."""
        self._waiting: deque[Job] = deque()
        answers = Answers(analyzers)
        self._slots = [
            Slot(
                self._waiting,
                answers,
                analysis,
                telemetry,
                keeping=keeping or Cases(),
                floors=self.floors,
                shares=shares,
                done=self._done,
                lost_to=self._lost_to,
            )
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
        self._asker: Asker | None = None
        self._needy = telemetry.analyzer_failures

    async def start(self, asker: Asker | None = None) -> None:
        """Take pairs. The processes come up with the first of them; `asker` makes what they need asked."""
        self._accepting = True
        self._asker = asker

    async def drain(self) -> None:
        """Wait until every queued pair has been reported."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Kill the processes. Pairs not yet scored are reported as DROPPED; nothing is accepted any more."""
        self._accepting = False
        if self._asker is not None:
            await self._asker.close()
        for slot in self._slots:
            await slot.close()
        while self._waiting:
            self._give_up(self._waiting.popleft())

    def has_room(self) -> bool:
        """Whether a pair would be queued, whatever its size. Ask before building it; else `refuse`.

        Bytes may pass their bound by one pair: were it for a pair's own size, long answers would go unscored.
        """
        return self._open < self._most_pairs and self._bytes < self._most_bytes and self._accepting

    def refuse(self, about: Unmeasured) -> None:
        """Count a pair that was not built for want of room: dropped for every analyzer. Follows `has_room`."""
        if not self._accepting:
            self._pass_over(about, "shutdown")
        else:
            self._pass_over(about, "bytes" if self._open < self._most_pairs else "pairs")

    def leave(self, about: Unmeasured) -> None:
        """Tell of a sampled request of which no pair came to be."""
        self._tell(about.report(UNSENT))

    def submit(self, pair: CapturedPair, state: str) -> bool:
        """Queue a pair in ledger state `state`; never blocks. False where it was dropped, which is counted."""
        about = Unmeasured(pair.arrival, pair.session, pair.primary, state, pair.segments)
        if not self.has_room():
            self.refuse(about)
            return False
        if self._penalties.holds(pair.session, time.monotonic()):
            self._pass_over(about, "penalty")
            return False
        job = Job(pair, state, self._names)
        self._submitted += 1
        self._enter(job)
        self._queue(job)
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

    def _enter(self, job: Job) -> None:
        self._open += 1
        self._hold(job.size)
        self._idle.clear()

    def _hold(self, size: int) -> None:
        self._bytes = held = self._bytes + size
        self._bytes_shown.set(held)
        self._bytes_peak = max(self._bytes_peak, held)

    def _queue(self, job: Job) -> None:
        self._waiting.append(job)
        if len(self._waiting) == 1:  # where others wait already, no child has room
            self._spread()

    def _done(self, job: Job) -> None:
        """Nothing is left to do of a job: report it, and see to what analyzers need."""
        needs = job.needs
        if job.further is not None and needs:
            self._ask(job, needs[0][1])
            return
        further = [(Job(job.pair, job.state, self._names, analyzer), probes) for analyzer, probes in needs]
        room = self.has_room()
        for each, _ in further:
            self._enter(each)
        self._report(job)
        for each, probes in further:
            if room:
                self._ask(each, probes)
            else:
                self._give_up(each)

    def _ask(self, job: Job, probes: Sequence[Probe]) -> None:
        job.reopen()
        if job.further is None or self._asker is None:
            self._give_up(job)
        elif job.rounds == MAX_ROUNDS:
            self._needy.labels(job.further, "need").inc()
            self._give_up(job, Analysis.KILLED)
        else:
            self._asker.ask(job.further, job.pair, probes, lambda replies: self._answered(job, replies))

    def _answered(self, job: Job, replies: Replies | None) -> None:
        if replies is None or not self._accepting:
            self._give_up(job)
            return
        held = job.size
        job.answered(replies)
        self._hold(job.size - held)
        if self._bytes > self._most_bytes:
            self._give_up(job)
        else:
            self._queue(job)

    def _release(self, job: Job) -> None:
        self._open -= 1
        self._bytes -= job.size
        self._bytes_shown.set(self._bytes)
        if not self._open:
            self._idle.set()

    def _pass_over(self, about: Unmeasured, reason: str) -> None:
        """Count a pair that is not scored, and tell of its session: a later turn of it is not its first."""
        if about.state in PAIRED:
            self._dropped += 1
            self._dropped_for[reason].inc()
        self._tell(about.report(PASSED_OVER))

    def _give_up(self, job: Job, analysis: Analysis = Analysis.DROPPED) -> None:
        job.give_up(analysis)
        self._report(job)

    def _report(self, job: Job) -> None:
        try:
            report = job.report()
            self._tell(report)
            if job.case:
                self._offer(job, report)
        finally:
            self._release(job)

    def _offer(self, job: Job, report: Report) -> None:
        """Pass the case on that was made of a pair which has been told of."""
        if job.case == UNREDACTED:
            self._unredacted.inc()
        else:
            self._on_offer(Offer(report, job.pair.subject, job.case))

    def _tell(self, report: Report) -> None:
        try:
            self._on_report(report)
        except Exception as error:
            _log.error("report not taken", error=type(error).__name__)
