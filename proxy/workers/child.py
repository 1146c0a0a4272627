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
from dataclasses import replace
from hashlib import blake2b

import orjson

from analyzers import registry
from analyzers.asked import last_user_text
from analyzers.finding import Analyzer, Finding, Measurement, Need, NotApplicable, Reply, Result
from analyzers.language.identify import identify
from analyzers.pair import Pair
from analyzers.reading import read_object, read_pair
from analyzers.scoring import UNSEEN, bounds, judge
from proxy.report import PAIRED
from proxy.workers import golds, needs, wire
from proxy.workers.answers import FAILED, MEASURED, NEEDS, NOT_APPLICABLE, NOT_ASKED, READY, UNDRAWN, Answers
from proxy.workers.cell import IDLE, READING, Cell
from proxy.workers.keeping import Keeping
from proxy.workers.niceness import Standing

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
    standing = Standing()
    analyzers = registry.load(settings.analyzers)
    for analyzer in analyzers:
        analyzer.prepare()
    scorer = Scorer(analyzers, Cell(settings.cell), settings, standing)
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

    def __init__(
        self, analyzers: tuple[Analyzer, ...], cell: Cell, settings: wire.Settings, standing: Standing
    ) -> None:
        self.standing = standing
        self._analyzers = analyzers
        self._shares = settings.shares
        self._golds = {} if settings.golds is None else golds.load(settings.golds)
        self._answers = Answers(analyzers)
        self._cell = cell
        self._cpu_seconds = settings.cpu_seconds
        self._keeping = Keeping(settings)

    def answer(self, task: wire.Task) -> bytes:
        """The record of one task."""
        _limit_cpu(self._cpu_seconds)
        cell, outcomes, seconds = self._cell, [], []
        self._measured: dict[int, tuple[float, ...]] = {}
        self._needed: dict[int, Need] = {}
        self._findings = list[Finding]()
        self._measurements = list[Measurement]()
        if task.floors is not None:
            self._keeping.floors = task.floors
        replies = tuple(Reply(status, read_object(body)) for status, body in task.replies)
        self.standing.give_way()
        cell.write(task.number, READING)
        pair = golds.with_gold(read_pair(task.pair), self._golds)
        language = identify(last_user_text(pair.request)) if task.language else None
        for position in range(len(self._analyzers)):
            if not task.asked >> position & 1:
                outcomes.append(NOT_ASKED)
                seconds.append(0.0)
                continue
            self.standing.give_way()
            cell.write(task.number, position)
            began = time.perf_counter()
            outcomes.append(self._run(position, pair, replies, task))
            seconds.append(time.perf_counter() - began)
        case = b""
        if task.keep:
            cell.write(task.number, len(self._analyzers))
            case = self._keeping.case(pair, self._findings, self._measurements)
        cell.write(0, IDLE)
        return self._answers.write(
            task.number,
            outcomes,
            seconds,
            pair,
            measured=self._measured,
            needed=self._needed,
            language=language or "",
            case=case,
        )

    def _run(self, position: int, pair: Pair, replies: tuple[Reply, ...], task: wire.Task) -> bytes:
        """One analyzer's outcome. It may raise whatever it likes: the kind of failure is told, never its words."""
        analyzer = self._analyzers[position]
        if task.blind >> position & 1:
            return self._missing(position, _unseen(pair))
        if task.state not in PAIRED:
            return self._missing(position, pair)
        try:
            result = judge(analyzer, pair, replies) if task.state == "paired" or analyzer.scores_unserved else None
        except BaseException as error:
            failure = "memory" if isinstance(error, MemoryError) else "error"
            return self._missing(position, _unseen(pair), failure)
        try:
            return NOT_APPLICABLE if result is None else self._told(position, pair, result)
        except Exception:
            failure = "need" if isinstance(result, Need) else "invalid"
            return self._missing(position, _unseen(pair), failure)

    def _missing(self, position: int, pair: Pair, failure: str | None = None) -> bytes:
        """What X can be where the analyzer applies. Where it failed, the answers may have led to that."""
        try:
            found = bounds(self._analyzers[position], pair)
            if found is not None:
                return self._answers.missing(position, found, failure)
        except BaseException:
            failure = failure or "error"
        return NOT_APPLICABLE if failure is None else FAILED[failure]

    def _told(self, position: int, pair: Pair, result: Result) -> bytes:
        """A result in the parent's words. Raises whatever where it breaks the analyzer's contract."""
        match result:
            case Finding():
                told = self._answers.outcome(position, result)
                self._findings.append(result)
                return told
            case Measurement():
                self._measured[position] = self._answers.measured(position, result)
                self._measurements.append(result)
                return MEASURED
            case NotApplicable():
                return self._answers.unfit(position, result)
            case Need():
                name = self._analyzers[position].name
                if not drawn(pair.pair_id, name, self._shares.get(name, 0.0)):
                    return UNDRAWN
                needs.dumps(self._needed | {position: result})
                self._needed[position] = result
                return NEEDS


def _unseen(pair: Pair) -> Pair:
    """The pair as if nothing were known of its answers."""
    return replace(pair, baseline=UNSEEN, candidate=UNSEEN, repeat=None)


def drawn(pair_id: str, analyzer: str, share: float) -> bool:
    """Whether a pair is in the share for which an analyzer may ask further requests; the same each time."""
    digest = blake2b(f"{analyzer} {pair_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") < share * 2**64


def serve(link: socket.socket, scorer: Scorer) -> None:
    """Answer tasks until the parent closes the socket. Answers wait for each other only while further tasks do."""
    came, answers, since = bytearray(), list[bytes](), 0.0
    while True:
        size = wire.length(came)
        if len(came) < size:
            if answers:
                _send(link, scorer, answers)
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
            _send(link, scorer, answers)


def _send(link: socket.socket, scorer: Scorer, answers: list[bytes]) -> None:
    scorer.standing.give_way()
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
