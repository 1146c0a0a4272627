"""The tasks in one child's pipe, oldest first, and what to do with them as it answers or is lost. Pure.

Several are sent ahead, so that the child need not wait for the gateway's event loop between two pairs, and the loop
takes several answers at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from proxy.workers import wire
from proxy.workers.answers import Answers, GarbageError
from proxy.workers.cell import READING, Doing
from proxy.workers.job import Job

PAIRS = 32
BYTES = 1 << 20
"""Most sent ahead; at least one pair always is."""
READING_NAME = "reading"
"""The name under which losses are counted that happened before any analyzer ran."""
CASE_NAME = "case"
"""And of those that happened after all had, while a case was made: the pair is scored again, and not kept."""


class Loss(NamedTuple):
    """What the loss of a child comes to."""

    blamed: str | None
    """The analyzer, READING_NAME or CASE_NAME, that it is put down to; None where nothing explains it yet."""
    session: str
    """Whose pair that was."""
    finished: list[Job]
    """Jobs that nothing is left to do of."""


class Floors:
    """What the case pool asks of a rank, by stratum, as it was told last."""

    def __init__(self) -> None:
        self.values: Mapping[str, float] = {}
        self.version = 0

    def set(self, values: Mapping[str, float]) -> None:
        """They are these from now on."""
        self.values = values
        self.version += 1


class Window:
    """One child's tasks, taken off the front of `waiting`. Make a new one for each child."""

    def __init__(self, answers: Answers, waiting: deque[Job], floors: Floors) -> None:
        self._answers = answers
        self._waiting = waiting
        self._jobs: deque[Job] = deque()
        self._bytes = 0
        self._oldest = 1
        """The number of the first of `_jobs`; the others follow without gaps."""
        self._rest = b""
        self._floors = floors
        self._floors_told = 0

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
            number = self._oldest + len(jobs)
            floors = None
            if job.keep and self._floors_told != self._floors.version:
                floors, self._floors_told = self._floors.values, self._floors.version
            asked = (number, job.asked, job.state, job.pair, job.replies)
            buffers += wire.pack(*asked, blind=job.blind, keep=job.keep, floors=floors)
            jobs.append(job)
            self._bytes += job.size
        return buffers

    def answered(self, data: bytes) -> Iterator[Job]:
        """The jobs that the child's bytes finish, in order. Raises GarbageError; those before it are finished."""
        answers, jobs, at = self._answers, self._jobs, 0
        if self._rest:
            data = self._rest + data
        while jobs and len(data) - at >= (length := answers.length(data, at)):
            job = jobs[0]
            job.take(answers.read(data, at, self._oldest, repeated=job.pair.repeat is not None))
            jobs.popleft()
            self._bytes -= job.size
            self._oldest += 1
            at += length
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
            if doing.stage == job.stages and job.keep:  # its findings were there, and are found again
                job.keep = False
                self.give_back()
                return Loss(CASE_NAME, session, [])
            if doing.stage >= 0:
                blamed = job.lose(doing.stage)
            if blamed is None and (doing.stage == READING or job.lose_blameless()):
                blamed = READING_NAME
                job.lose_reading()
        finished = [job for job in self._jobs if not job.asked]
        self.give_back()
        return Loss(blamed, session, finished)

    def give_back(self) -> None:
        """Whatever is unfinished waits again, in front of all others."""
        self._waiting.extendleft(job for job in reversed(self._jobs) if job.asked)
        self._jobs.clear()
