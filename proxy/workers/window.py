"""The tasks in one child's pipe, oldest first, and what to do with them as it answers or is lost. Pure.

Several are sent ahead, so that the child need not wait for the gateway's event loop between two pairs, and the loop
takes several answers at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from proxy.report import Analysis
from proxy.workers import wire
from proxy.workers.answers import Answers, GarbageError
from proxy.workers.cell import READING, Doing
from proxy.workers.job import Job

PAIRS = 32
BYTES = 1 << 20
"""Most sent ahead; at least one pair always is."""
READING_NAME = "reading"
"""The name under which losses are counted that happened before any analyzer ran."""


class Loss(NamedTuple):
    """What the loss of a child comes to."""

    blamed: str | None
    """The analyzer, or READING_NAME, that it is put down to; None where nothing explains it yet."""
    session: str
    """Whose pair that was."""
    finished: list[Job]
    """Jobs that nothing is left to do of."""


class Window:
    """One child's tasks, taken off the front of `waiting`. Make a new one for each child."""

    def __init__(self, answers: Answers, waiting: deque[Job]) -> None:
        self._answers = answers
        self._waiting = waiting
        self._jobs: deque[Job] = deque()
        self._bytes = 0
        self._oldest = 1
        """The number of the first of `_jobs`; the others follow without gaps."""
        self._rest = b""

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def numbers(self) -> range:
        """The tasks that are unanswered."""
        return range(self._oldest, self._oldest + len(self._jobs))

    def fill(self) -> list[bytes]:
        """Take what waits as far as there is room; the bytes to send."""
        jobs, waiting, buffers = self._jobs, self._waiting, list[bytes]()
        while waiting and len(jobs) < PAIRS and (not jobs or self._bytes + waiting[0].size <= BYTES):
            job = waiting.popleft()
            buffers += wire.pack(self._oldest + len(jobs), job.asked, job.state, job.pair)
            jobs.append(job)
            self._bytes += job.size
        return buffers

    def answered(self, data: bytes) -> Iterator[Job]:
        """The jobs that the child's bytes finish, in order. Raises GarbageError; those before it are finished."""
        answers, jobs, at = self._answers, self._jobs, 0
        if self._rest:
            data = self._rest + data
        while jobs and len(data) - at >= answers.size:
            job = jobs[0]
            job.take(answers.read(data, at, self._oldest, repeated=job.pair.repeat is not None))
            jobs.popleft()
            self._bytes -= job.size
            self._oldest += 1
            at += answers.size
            yield job
        self._rest = data[at:]
        if self._rest and not (jobs and answers.begins(data, at, self._oldest)):
            raise GarbageError("answers something else")

    def lost(self, doing: Doing) -> Loss:
        """The child is gone. Whatever it leaves unfinished waits again, in front of all others."""
        blamed: str | None = None
        session = ""
        if self._jobs:
            at = doing.number - self._oldest if doing.number in self.numbers else 0
            job = self._jobs[at]
            session = job.pair.session
            if doing.stage >= 0:
                blamed = job.lose(doing.stage)
            if blamed is None and (doing.stage == READING or job.lose_blameless()):
                blamed = READING_NAME
                job.give_up(Analysis.KILLED)
        finished = [job for job in self._jobs if not job.asked]
        self.give_back()
        return Loss(blamed, session, finished)

    def give_back(self) -> None:
        """Whatever is unfinished waits again, in front of all others."""
        self._waiting.extendleft(job for job in reversed(self._jobs) if job.asked)
        self._jobs.clear()
