"""A place for one child: started when there is work, replaced when lost, with growing pauses while losses go on."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping

import structlog

from proxy import config, config_cases
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from proxy.workers.answers import Answers, GarbageError
from proxy.workers.cell import NOTHING, Doing
from proxy.workers.job import Job
from proxy.workers.process import Child
from proxy.workers.window import CASE_NAME, PAIRS, Floors, Window

MAX_PAUSE = 10.0

_log = structlog.get_logger(__name__)


def pause(losses: int) -> float:
    """Seconds before the next start after `losses` in a row: none at first, then doubling from 0.1 to MAX_PAUSE."""
    return 0.0 if losses <= 1 else min(0.1 * 2.0 ** min(losses - 2, 16), MAX_PAUSE)


def left(doing: Doing, heard: float, now: float, budget: float, stages: int) -> float:
    """Seconds that a child still has, which was last heard of at `heard`: none once it has overrun.

    Each stage has its budget by the shared cell; and whatever the cell says, no task of so many stages takes longer
    than theirs and one for the reading.
    """
    silent = heard + budget * (stages + 1) - now
    return silent if doing is NOTHING else min(silent, doing.began + budget - now)


class Slot:
    """Scores what is in `waiting`. Close it in the end.

    `done` is called with each finished job; `lost_to` when a child was lost and what it had waits again, with the
    session whose pair is to blame.
    """

    def __init__(
        self,
        waiting: deque[Job],
        answers: Answers,
        analysis: config.Analysis,
        telemetry: Telemetry,
        *,
        keeping: config_cases.Cases,
        floors: Floors,
        shares: Mapping[str, float],
        done: Callable[[Job], None],
        lost_to: Callable[[str | None], None],
    ) -> None:
        self._waiting = waiting
        self._answers = answers
        self._config = analysis
        self._keeping = keeping
        self._floors = floors
        self._shares = shares
        self._telemetry = telemetry
        self._done = done
        self._lost_to = lost_to
        self._window = Window(answers, waiting, floors)
        self._child: Child | None = None
        self._former: Child | None = None
        self._starting: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._losses = 0
        self._stages = len(analysis.enabled) + 1
        """The analyzers, and the making of a case."""

    @property
    def load(self) -> int:
        """How many jobs are with its child; as many as may be while one is being started."""
        return PAIRS if self._starting is not None else len(self._window)

    def fill(self) -> None:
        """Send what waits to the child, as far as it has room; start one where there is none."""
        child, window = self._child, self._window
        if child is None:
            if self._waiting and self._starting is None:
                self._starting = spawn(self._start(), name="analyzer-start")
            return
        idle = not window
        if buffers := window.fill():
            child.send(buffers)
            if idle:
                child.heard = time.monotonic()
            if self._watch is None:
                self._look_after(self._config.budget)

    async def close(self) -> None:
        """Kill the child, if there is one. What it had waits again."""
        if self._starting is not None:
            await cancel(self._starting)
            self._starting = None
        if self._watch is not None:
            self._watch.cancel()
        self._window.give_back()
        if self._child is not None:
            self._child.kill()
            self._former, self._child = self._child, None
        await self._gone()

    async def _start(self) -> None:
        try:
            await self._gone()
            await asyncio.sleep(pause(self._losses))
            child = await Child.start(
                self._config, self._keeping, self._shares, self._answered, lambda: self._lost("crashed")
            )
        except Exception as error:
            _log.warning("analyzer process not started", error=type(error).__name__)
            self._starting = None
            self._window.fill()  # the pair in front has cost another start
            self._lost("start")
        else:
            self._starting, self._child = None, child
            self.fill()

    async def _gone(self) -> None:
        """Wait for the end of the child before this one, so that there are never more than were asked for."""
        if self._former is not None:
            await self._former.gone()
            self._former = None

    def _answered(self, data: bytes) -> None:
        try:
            for job in self._window.answered(data):
                for analyzer, kind in job.failures:
                    self._telemetry.analyzer_failures.labels(analyzer, kind).inc()
                for analyzer, why in job.unfit:
                    self._telemetry.not_applicable.labels(analyzer, why).inc()
                self._losses = 0
                self._done(job)
        except GarbageError:
            self._lost("garbage")
        else:
            self.fill()

    def _look(self) -> None:
        """Kill the child where it has overrun; else look again when it could have."""
        self._watch = None
        if self._child is not None and self._window:
            seconds = left(self._doing(), self._child.heard, time.monotonic(), self._config.budget, self._stages)
            if seconds > 0:
                self._look_after(seconds)
            else:
                self._lost("overran")

    def _look_after(self, seconds: float) -> None:
        self._watch = asyncio.get_running_loop().call_later(seconds + 0.001, self._look)

    def _doing(self) -> Doing:
        return NOTHING if self._child is None else self._child.doing(self._window.numbers, self._stages)

    def _lost(self, kind: str) -> None:
        """Replace the child: what it ran is to blame, everything else it had waits again."""
        doing = self._doing()
        if self._child is not None:
            self._child.kill()
            self._former, self._child = self._child, None
        self._losses += 1
        self._telemetry.worker_restarts.labels(kind).inc()
        _log.warning("analyzer process lost", kind=kind, in_a_row=self._losses)
        window, self._window = self._window, Window(self._answers, self._waiting, self._floors)
        loss = window.lost(doing)
        if loss.blamed is not None:
            self._telemetry.analyzer_failures.labels(loss.blamed, kind).inc()
        if loss.blamed == CASE_NAME:
            self._telemetry.case_offers.labels("dropped_redaction").inc()
        for job in loss.finished:
            self._done(job)
        self._lost_to(None if loss.blamed in (None, CASE_NAME) else loss.session)
