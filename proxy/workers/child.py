"""What runs in an analyzer process: `python -P -m proxy.workers.child SETTINGS`, frames on its pipes (see `wire`).

It has no secrets in its environment, dies with its parent, may not outgrow its address space, leaves no core file
and writes no files. Standard output is taken away from whoever prints: the pipe moves to another descriptor.
Standard error is inherited until the analyzers are loaded, so that a broken one can be diagnosed, and is closed to
all before the first pair is read, because what is printed later may hold customer text.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

from analyzers import registry
from analyzers.finding import Analyzer, Need
from analyzers.pair import Pair
from analyzers.reading import read_pair
from analyzers.scoring import judge
from proxy.workers import wire
from proxy.workers.cell import IDLE, READING, Cell

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Load the analyzers, say so, then answer tasks until the parent closes the pipe."""
    settings = wire.Settings(**orjson.loads(sys.argv[1]))
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _die_with_parent()
    cell = Cell(settings.cell)
    analyzers = {analyzer.name: analyzer for analyzer in registry.load(settings.analyzers)}
    _limit(settings.memory_bytes)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    _send(answers, b"ready")
    while (body := _receive(tasks)) is not None:
        _limit_cpu(settings.cpu_seconds)
        _send(answers, orjson.dumps(_answer(wire.unpack(body), analyzers, cell)))


def _answer(task: wire.Task, analyzers: Mapping[str, Analyzer], cell: Cell) -> dict[str, Any]:
    cell.write(READING)
    pair = read_pair(task.pair)
    outcomes = {}
    for position, name in enumerate(task.analyzers):
        cell.write(position)
        outcomes[name] = _run(analyzers[name], pair, task.state)
    cell.write(IDLE)
    return {"number": task.number, "arms": wire.arms(pair), "outcomes": outcomes}


def _run(analyzer: Analyzer, pair: Pair, state: str) -> dict[str, Any] | str:
    """One analyzer's outcome. It may raise whatever it likes; only the kind of failure is told, never its words."""
    if state != "paired" and not analyzer.scores_unserved:
        return "not_applicable"
    began = time.perf_counter()
    try:
        finding = judge(analyzer, pair)
        if finding is None:
            return "not_applicable"
        if isinstance(finding, Need):
            return "need"
        return wire.scored(finding, time.perf_counter() - began)
    except MemoryError:
        return "memory"
    except BaseException:
        return "error"


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


def _receive(tasks: BinaryIO) -> bytes | None:
    head = tasks.read(wire.LENGTH.size)
    if len(head) < wire.LENGTH.size:
        return None
    (length,) = wire.LENGTH.unpack(head)
    return tasks.read(length)


def _send(answers: BinaryIO, body: bytes) -> None:
    answers.write(wire.frame(body))
    answers.flush()


if __name__ == "__main__":
    main()
