"""How long does a gateway that wakes wait for the processor, where analyzers are amid pairs?

    python -m benchmarks.waking [--rounds 5] [--quick] [--json FILE]

On every core something works as an analyzer does, a millisecond at a time, in a session of its own, of the batch
policy and as nice; or as analyzers stand back, which make their session as nice where Linux shares the processor
out by sessions. Beside either a process that sleeps for random times, 300 a second, notes how late it wakes: as it
comes, and where it asks for short turns as the gateway does. Quantiles are medians over the rounds.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import product
from random import Random
from statistics import median
from time import monotonic, process_time, sleep

from benchmarks.figures import Target, quantile, table
from benchmarks.report import finish, options
from proxy.processes import turns
from proxy.workers.niceness import NICENESS, Standing

RATE = 300.0
SECONDS = 4.0
PAIR = 0.001
"""Seconds of the processor that one pair takes."""
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
HALF = 0.5
SESSION = {False: "niceness alone", True: "session as nice"}
TURNS = {False: "as it comes", True: "short turns"}
_SPAWN = multiprocessing.get_context("spawn")


def work(*, session: bool) -> None:
    """Score pairs for ever, as far as the scheduler sees; `session` is whether the session is made as nice."""
    os.setsid()
    if session:
        Standing()
    else:
        os.nice(NICENESS)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    while True:
        end = process_time() + PAIR
        while process_time() < end:
            pass
        os.sched_yield()


@contextmanager
def working(*, session: bool) -> Iterator[None]:
    """One of them on every core."""
    workers = [
        _SPAWN.Process(target=work, kwargs={"session": session}, daemon=True) for _ in range(os.cpu_count() or 1)
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def wake(*, short: bool, seconds: float, seed: int) -> list[float]:
    """Sleep again and again; how late each waking was, in seconds."""
    if short:
        turns.ask_for_short()
    random, late, end = Random(seed), list[float](), monotonic() + seconds
    while monotonic() < end:
        due = monotonic() + random.expovariate(RATE)
        sleep(max(0.0, due - monotonic()))
        late.append(monotonic() - due)
    return late


def main() -> None:
    """Run, print, judge."""
    parser = options("benchmarks.waking", __doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each (default 5)")
    wanted = parser.parse_args()
    rounds, seconds = (1, 0.2) if wanted.quick else (wanted.rounds, SECONDS)
    found = {(session, short): list[list[float]]() for session in (False, True) for short in (False, True)}
    with ProcessPoolExecutor(1, mp_context=_SPAWN, max_tasks_per_child=1) as pool:
        for seed, session in product(range(rounds), (False, True)):
            with working(session=session):
                for short in (False, True):
                    late = pool.submit(wake, short=short, seconds=seconds, seed=seed).result()
                    found[session, short].append(late)
    figures = {
        f"{SESSION[session]}, {TURNS[short]}": {
            name: median(quantile(late, q) for late in runs) * 1e3 for name, q in QUANTILES.items()
        }
        for (session, short), runs in found.items()
    }
    lines = [(name, *(f"{ms:.2f}" for ms in shown.values())) for name, shown in figures.items()]
    print(table(("wakes late, ms", *QUANTILES), lines), end="\n\n")
    neither, *_, both = figures.values()
    targets = [Target("p99 with both, to neither", both["p99"] / neither["p99"], HALF, "x")]
    finish(wanted, {"late_ms": figures}, targets, [])


if __name__ == "__main__":
    main()
