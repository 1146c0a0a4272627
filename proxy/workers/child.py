"""What runs in an analyzer process: `python -P -m proxy.workers.child SETTINGS`, tasks and answers on one socket.

It has no secrets in its environment, dies with its parent, may not outgrow its address space, leaves no core file
and writes no files. Standard output is taken away from whoever prints. Standard error is inherited until the
analyzers are loaded, so that a broken one can be diagnosed, and is closed to all before the first pair is read,
because what is printed later may hold customer text.
"""

from __future__ import annotations

import ctypes
import gc
import math
import os
import resource
import signal
import socket
import sys
import time

import orjson

from analyzers import registry
from analyzers.finding import Analyzer, Need
from analyzers.pair import Pair
from analyzers.reading import read_pair
from analyzers.scoring import judge
from proxy.workers import wire
from proxy.workers.answers import FAILED, NOT_APPLICABLE, NOT_ASKED, READY, Answers
from proxy.workers.cell import IDLE, READING, Cell

BATCH = 16
"""Most answers kept back while further tasks are there already: one write and one wake-up of the parent for all."""
PATIENCE = 0.05
"""Seconds after which they are kept back no longer."""
CHUNK = 256 * 1024
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Load the analyzers, say so, then answer tasks until the parent closes the socket."""
    settings = wire.Settings(**orjson.loads(sys.argv[1]))
    link = socket.socket(fileno=settings.link)
    os.dup2(2, 1)
    _die_with_parent()
    scorer = Scorer(registry.load(settings.analyzers), Cell(settings.cell), settings.cpu_seconds)
    os.close(settings.cell)
    _limit(settings.memory_bytes)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    gc.collect()
    gc.freeze()  # what has been loaded lives as long as the process
    link.sendall(READY)
    serve(link, scorer)


class Scorer:
    """Answers tasks."""

    def __init__(self, analyzers: tuple[Analyzer, ...], cell: Cell, cpu_seconds: float) -> None:
        self._analyzers = analyzers
        self._answers = Answers(analyzers)
        self._cell = cell
        self._cpu_seconds = cpu_seconds

    def answer(self, task: wire.Task) -> bytes:
        """The record of one task."""
        _limit_cpu(self._cpu_seconds)
        cell, outcomes, seconds = self._cell, [], []
        cell.write(task.number, READING)
        pair = read_pair(task.pair)
        for position in range(len(self._analyzers)):
            cell.write(task.number, position)
            began = time.perf_counter()
            asked = task.asked >> position & 1
            outcomes.append(self._run(position, pair, served=task.served) if asked else NOT_ASKED)
            seconds.append(time.perf_counter() - began)
        cell.write(0, IDLE)
        return self._answers.write(task.number, outcomes, seconds, pair)

    def _run(self, position: int, pair: Pair, *, served: bool) -> bytes:
        """One analyzer's outcome. It may raise whatever it likes: the kind of failure is told, never its words."""
        analyzer = self._analyzers[position]
        try:
            finding = judge(analyzer, pair) if served or analyzer.scores_unserved else None
        except MemoryError:
            return FAILED["memory"]
        except BaseException:
            return FAILED["error"]
        if finding is None:
            return NOT_APPLICABLE
        try:
            return FAILED["need"] if isinstance(finding, Need) else self._answers.outcome(position, finding)
        except Exception:
            return FAILED["invalid"]


def serve(link: socket.socket, scorer: Scorer) -> None:
    """Answer tasks until the parent closes the socket. Answers wait for each other only while further tasks do."""
    came, answers, since = bytearray(), list[bytes](), 0.0
    while True:
        size = wire.length(came)
        if len(came) < size:
            if answers:
                link.sendall(b"".join(answers))
                answers.clear()
            chunk = link.recv(max(CHUNK, size - len(came)))
            if not chunk:
                return
            came += chunk
            continue
        with memoryview(came) as view:
            task = wire.unpack(view[:size])
        del came[:size]
        if not answers:
            since = time.monotonic()
        answers.append(scorer.answer(task))
        if len(answers) == BATCH or time.monotonic() - since > PATIENCE:
            link.sendall(b"".join(answers))
            answers.clear()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _limit_cpu(seconds: float) -> None:
    """A backstop for a parent that cannot watch: SIGXCPU ends the process this much processor time from now."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(spent.ru_utime + spent.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
