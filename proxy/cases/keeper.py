"""Keeps cases: the one thread that has the pool, offers on one side, the admin port on the other.

An offer waits, within bytes, for the thread to take it with others in one transaction; what finds no room is
dropped and counted. A pool that cannot be written keeps nobody from being served or measured: it keeps no cases.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog
from prometheus_client.samples import Exemplar

from cases.case import Case, CaseError
from cases.pool import Kept, PoolError, Stats
from proxy.cases.doors import bounds_of
from proxy.cases.sqlite_pool import SqlitePool
from proxy.config_cases import Cases
from proxy.offer import Offer, case_of
from proxy.report import Report
from proxy.telemetry import Telemetry

BATCH = 32
"""Most offers in one transaction: whoever asks for a case waits for no more."""
PERIOD = 0.25
"""Seconds between two looks at what the gateways must be told."""
LOOK_EVERY = 5.0
"""Seconds between two looks at what is there."""
RETIRE_EVERY = 60.0
RESULTS = (
    *map(str, Kept),
    "dropped_redaction",
    "dropped_channel",
    "dropped_queue",
    "dropped_invalid",
    "dropped_pool",
)
"""What becomes of an offer."""

Cell = tuple[str, ...]
"""Label values of a count of findings."""
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Seen(NamedTuple):
    """What the thread saw."""

    floors: Mapping[str, float]
    stats: Stats | None
    """None where it did not look."""
    examples: Mapping[Cell, Exemplar]
    """Those whose cases are still there."""


def _size(waiting: Offer | Report) -> int:
    """Bytes that it holds on to, nearly."""
    return waiting.size if isinstance(waiting, Offer) else 1_024


class NoPoolError(Exception):
    """There is no pool to ask; the text says why."""


def open_pool(settings: Cases) -> tuple[SqlitePool | None, str]:
    """The pool that a configuration asks for; None where there is none, and why."""
    if settings.path is None:
        return None, "no cases are kept; name a file in cases.path"
    try:
        pool = SqlitePool(Path(settings.path), bounds_of(settings))
        pool.shrink()
    except PoolError as error:
        _log.error("no cases are kept", path=settings.path, error=str(error))
        return None, f"no cases are kept: {settings.path}: {error}"
    return pool, ""


class CaseKeeper:
    """`pool` is None where there is none, and `why` says why. `tell` is given the floors when they have changed.

    `revision` is the candidate's. All but the thread's own part is called on the event loop.
    """

    def __init__(
        self,
        pool: SqlitePool | None,
        why: str,
        telemetry: Telemetry,
        tell: Callable[[Mapping[str, float]], None] | None,
        *,
        revision: str,
        queue_bytes: int,
    ) -> None:
        self.stats = Stats()
        """What was in the pool a moment ago."""
        self._pool = pool
        self._telemetry = telemetry
        self._tell = tell or (lambda _: None)
        self._revision = revision
        self._most = queue_bytes
        self._why = why
        self._waiting: deque[Offer | Report] = deque()
        self._bytes = 0
        self._draining = False
        self._floors: Mapping[str, float] = {}
        self._counts = {result: telemetry.case_offers.labels(result) for result in RESULTS}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cases")
        self._examples: dict[Cell, Exemplar] = {}
        self._retired = self._looked = float("-inf")
        self._failed = False
        telemetry.cases_up.set(pool is not None)

    # offers

    def offer(self, offer: Offer) -> bool:
        """Take an offer, or drop and count it; never blocks."""
        if self._pool is None:
            return self._drop("dropped_pool")
        return self._wait(offer) or self._drop("dropped_queue")

    def amend(self, report: Report) -> None:
        """Add to a kept case what an analyzer found that needed further requests, where there is room."""
        if self._pool is not None and (report.findings or report.measurements):
            self._wait(report)

    @property
    def floors(self) -> Mapping[str, float]:
        """What ranks must exceed, as it was told last."""
        return self._floors

    async def run(self) -> None:
        """Tell of floors, retire what is too old, and see what is there, until cancelled."""
        while (pool := self._pool) is not None:
            examples = dict(self._examples)
            try:
                self._see(await self._call(partial(self._look, pool, examples)), examples)
            except PoolError as error:
                self._say(str(error))
            await asyncio.sleep(PERIOD)

    async def ask(self, question: Callable[[SqlitePool], T]) -> T:
        """What the pool answers, on its thread. Raises PoolError, and NoPoolError where there is none."""
        pool = self._pool
        if pool is None:
            raise NoPoolError(self._why)
        return await self._call(lambda: question(pool))

    async def stop(self) -> None:
        """Take what waits, and close the pool. Safe to call twice."""
        pool, self._pool = self._pool, None
        if pool is not None:
            while self._waiting:
                self._settle(await self._call(lambda: self._take(pool, self._next())))
            try:
                await self._call(pool.close)
            except PoolError as error:
                _log.error("the case pool was not closed", error=str(error))
        self._thread.shutdown(wait=False)

    def show(self) -> None:
        """Bring the metrics up to date; done when they are read."""
        telemetry, stats = self._telemetry, self.stats
        telemetry.cases.clear()
        for stratum, held in stats.strata.items():
            telemetry.cases.labels(stratum).set(held.cases)
        telemetry.cases_bytes.set(stats.bytes)
        telemetry.precision.clear()
        telemetry.judged.clear()
        for analyzer, precision in stats.precision.items():
            telemetry.judged.labels(analyzer, "yes").set(precision.right)
            telemetry.judged.labels(analyzer, "no").set(precision.wrong)
            if precision.ratio is not None:
                telemetry.precision.labels(analyzer).set(precision.ratio)

    def _wait(self, what: Offer | Report) -> bool:
        size = _size(what)
        if self._bytes + size > self._most:
            return False
        self._waiting.append(what)
        self._bytes += size
        if not self._draining:
            self._draining = True
            self._submit()
        return True

    def _drop(self, result: str) -> bool:
        self._counts[result].inc()
        return False

    def _submit(self) -> None:
        """Have the thread take the next batch, and the one after it when it has."""
        pool = self._pool
        if pool is None or not self._waiting:
            self._draining = False
            return
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._take, pool, self._next())
        future.add_done_callback(lambda done: self._taken(done.result()))

    def _taken(self, took: list[tuple[str, Case | None]]) -> None:
        self._settle(took)
        self._submit()

    def _next(self) -> list[Offer | Report]:
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        self._bytes -= sum(map(_size, batch))
        return batch

    def _settle(self, took: list[tuple[str, Case | None]]) -> None:
        for result, case in took:
            self._counts[result].inc()
            if case is not None:
                self._exemplify(case)

    def _exemplify(self, case: Case) -> None:
        """A kept case stands for the cells of the findings it was counted in."""
        now = time.time()
        for finding in case.findings:
            cell = (finding.variable, str(finding.baseline.outcome), str(finding.candidate.outcome))
            self._examples[cell] = Exemplar({"pair_id": case.pair_id}, 1.0, now)
        self._telemetry.findings.exemplars = self._examples

    # on the pool's thread

    def _take(self, pool: SqlitePool, batch: list[Offer | Report]) -> list[tuple[str, Case | None]]:
        """By offer, what became of it, and the case where it was kept."""
        offers = [each for each in batch if isinstance(each, Offer)]
        results: list[tuple[str, Case | None]] = []
        cases = list[Case]()
        for offer in offers:
            try:
                cases.append(case_of(offer, self._revision))
            except (CaseError, ValueError, OverflowError):
                results.append(("dropped_invalid", None))
        try:
            for case, kept in zip(cases, pool.add_all(cases), strict=True):
                results.append((str(kept), case if kept is Kept.KEPT else None))
            for report in batch:
                if isinstance(report, Report):
                    pool.amend(report.pair_id, report.findings, report.measurements)
            self._failed = False
        except Exception as error:
            self._failed = True
            _log.error("cases not kept", error=str(error) if isinstance(error, PoolError) else type(error).__name__)
            results += [("dropped_pool", None)] * (len(offers) - len(results))
        return results

    def _look(self, pool: SqlitePool, examples: Mapping[Cell, Exemplar]) -> Seen:
        """Retire what is too old, and see what is there."""
        now = time.monotonic()
        if now - self._retired > RETIRE_EVERY:
            pool.retire(datetime.now(UTC))
            self._retired = now
        if now - self._looked < LOOK_EVERY:
            return Seen(pool.floors(), None, examples)
        self._looked = now
        kept = pool.kept({example.labels["pair_id"] for example in examples.values()})
        left = {cell: example for cell, example in examples.items() if example.labels["pair_id"] in kept}
        return Seen(pool.floors(), pool.stats(), left)

    # back on the event loop

    def _see(self, seen: Seen, before: Mapping[Cell, Exemplar]) -> None:
        gone = before.keys() - seen.examples.keys()
        self._examples = {
            cell: example
            for cell, example in self._examples.items()
            if cell not in gone or example is not before[cell]
        }
        self._telemetry.findings.exemplars = self._examples
        self._telemetry.cases_up.set(not self._failed)
        if seen.stats is not None:
            self.stats = seen.stats
        if seen.floors != self._floors:
            self._floors = seen.floors
            self._tell(seen.floors)

    def _say(self, problem: str) -> None:
        self._telemetry.cases_up.set(0)
        _log.error("the case pool cannot be read", error=problem)

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
