"""A place for one child: started when there is work, replaced when lost, with growing pauses while losses go on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from analyzers.finding import Analyzer
from proxy import config
from proxy.report import Analysis
from proxy.telemetry import Telemetry
from proxy.workers.cell import READING
from proxy.workers.job import Job
from proxy.workers.process import Child, LostError
from proxy.workers.wire import Task

MAX_BLAMELESS = 3
"""A pair for which this many children were lost, or failed to start, with no analyzer running is given up."""
MAX_PAUSE = 10.0
READING_NAME = "reading"
"""The name under which losses are counted that happened before any analyzer ran."""

_log = structlog.get_logger(__name__)


def pause(losses: int) -> float:
    """Seconds before the next start after `losses` in a row: none at first, then doubling from 0.1 to MAX_PAUSE."""
    return 0.0 if losses <= 1 else min(0.1 * 2.0 ** min(losses - 2, 16), MAX_PAUSE)


class Slot:
    """Scores one job at a time. Close it in the end, whatever happened."""

    def __init__(self, analyzers: Mapping[str, Analyzer], analysis: config.Analysis, telemetry: Telemetry) -> None:
        self._analyzers = analyzers
        self._config = analysis
        self._telemetry = telemetry
        self._child: Child | None = None
        self._losses = 0
        self._number = 0

    async def score(self, job: Job) -> None:
        """Bring every pending analyzer of `job` to an outcome. On cancellation some may be left pending."""
        blameless = 0
        while job.pending:
            self._number += 1
            task = Task(self._number, job.pair, job.state, job.pending)
            try:
                child = self._child or await self._start()
                result = await child.score(task, self._analyzers)
            except LostError as lost:
                await self._replace(lost)
                if lost.stage >= 0:
                    self._failed(job.pending[lost.stage], lost.kind)
                    job.lose(job.pending[lost.stage])
                    continue
                blameless += 1
                if lost.stage == READING or blameless == MAX_BLAMELESS:
                    self._failed(READING_NAME, lost.kind)
                    job.give_up(Analysis.KILLED)
            else:
                self._losses = 0
                job.take(result)
                for name, outcome in result.outcomes.items():
                    if outcome.failure:
                        self._failed(name, outcome.failure)

    async def close(self) -> None:
        """Kill the child, if there is one."""
        if self._child is not None:
            child, self._child = self._child, None
            await child.kill()

    async def _start(self) -> Child:
        await asyncio.sleep(pause(self._losses))
        self._child = await Child.start(tuple(self._analyzers), self._config.budget, self._config.memory_bytes)
        return self._child

    async def _replace(self, lost: LostError) -> None:
        self._losses += 1
        self._telemetry.worker_restarts.labels(lost.kind).inc()
        _log.warning("analyzer process lost", kind=lost.kind, in_a_row=self._losses)
        await self.close()

    def _failed(self, analyzer: str, kind: str) -> None:
        self._telemetry.analyzer_failures.labels(analyzer, kind).inc()
