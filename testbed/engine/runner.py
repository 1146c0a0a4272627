"""The engine's one thread: runs steps while there is work, and hands deltas to the event loop."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from testbed.engine.scheduler import Delta, Scheduler, Sequence

Deltas = asyncio.Queue[tuple[int, Delta]]  # the index of the answer, and what became known of it

_log = logging.getLogger(__name__)


class QueueFullError(Exception):
    """The waiting queue is at its bound; try again later."""


class EngineDeadError(Exception):
    """The engine's thread has ended on an error; nothing will be answered any more."""


class Runner:
    """Owns the scheduler's thread. Its methods are for the event loop that it is given.

    All deltas of one step cross to the loop in one call, so that a step costs one wake-up. Steps keep a
    distance: without it a fast model would spend a whole core on batches of one or two, and with it
    requests gather into batches that cost little more than one.
    """

    def __init__(
        self, scheduler: Scheduler, loop: asyncio.AbstractEventLoop, *, max_waiting: int, step_interval: float
    ) -> None:
        """At most `max_waiting` sequences wait; steps begin at least `step_interval` seconds apart."""
        self.scheduler = scheduler
        self._max_waiting = max_waiting
        self._step_interval = step_interval
        self._next_step = 0.0
        self._wake = threading.Condition()
        self._added: list[Sequence] = []
        self._aborted: list[Sequence] = []
        self._stopping = False
        self._delivered: list[tuple[Deltas, int, Delta]] = []
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Sequences that no step has taken up yet."""
        return len(self._added) + len(self.scheduler.waiting)

    @property
    def alive(self) -> bool:
        """False once the thread has ended."""
        return self._thread.is_alive()

    @asynccontextmanager
    async def answers(self, sequences: list[Sequence]) -> AsyncIterator[Deltas]:
        """Run sequences; their deltas arrive in the queue yielded. Leaving aborts what has not finished.

        Raises QueueFullError, or EngineDeadError.
        """
        if not self.alive:
            raise EngineDeadError
        if self.waiting + len(sequences) > self._max_waiting:
            raise QueueFullError
        queue: Deltas = asyncio.Queue()
        for index, sequence in enumerate(sequences):
            sequence.deliver = functools.partial(self._collect, queue, index)
        with self._wake:
            self._added += sequences
            self._wake.notify()
        try:
            yield queue
        finally:
            with self._wake:
                self._aborted += [sequence for sequence in sequences if not sequence.finished]
                self._wake.notify()

    async def stop(self) -> None:
        """End the thread after its current step; what is unfinished stays so."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)

    def _collect(self, queue: Deltas, index: int, delta: Delta) -> None:
        self._delivered.append((queue, index, delta))

    def _run(self) -> None:
        try:
            while self._turn():
                self._hand_over()
        except Exception:
            _log.exception("the engine has failed")
            for sequence in [*self.scheduler.running, *self.scheduler.waiting, *self._added]:
                sequence.deliver(Delta(finish_reason="error"))
            self._hand_over()

    def _turn(self) -> bool:
        """Wait for work and do one step of it; False when it is time to stop."""
        scheduler = self.scheduler
        with self._wake:
            while not self._stopping and (delay := self._delay()) > 0:
                self._wake.wait(None if delay == math.inf else delay)
            added, self._added = self._added, []
            aborted, self._aborted = self._aborted, []
        for sequence in added:
            scheduler.add(sequence)
        for sequence in aborted:
            scheduler.abort(sequence)
        if scheduler.busy and not self._stopping:
            self._next_step = time.monotonic() + self._step_interval
            scheduler.step()
        return not self._stopping

    def _delay(self) -> float:
        """Seconds until the next turn; without end while there is nothing to do."""
        if not (self._added or self._aborted or self.scheduler.busy):
            return math.inf
        return self._next_step - time.monotonic()

    def _hand_over(self) -> None:
        if self._delivered:
            delivered, self._delivered = self._delivered, []
            self._loop.call_soon_threadsafe(_put_all, delivered)


def _put_all(delivered: list[tuple[Deltas, int, Delta]]) -> None:
    for queue, index, delta in delivered:
        queue.put_nowait((index, delta))
