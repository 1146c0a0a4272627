"""How long does a gateway that wakes wait for the processor, where analyzers are amid pairs?

    python -m benchmarks.waking [--rounds 9] [--quick] [--json FILE]

On every core something works as an analyzer does, a millisecond at a time, as nice and of the same policy. A
process that sleeps for random times, 300 a second, notes how late it wakes: as Linux has it, and where it asks for
short turns as the gateway does, in turn; quantiles are medians over the rounds. Where Linux is older than 6.12 both
are the same.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from random import Random
from statistics import median
from time import monotonic, process_time, sleep

from benchmarks.figures import Target, quantile, table
from benchmarks.report import finish, options
from proxy.processes import turns
from proxy.workers.child import NICENESS

RATE = 300.0
SECONDS = 4.0
PAIR = 0.001
"""Seconds of the processor that one pair takes."""
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
HALF = 0.5
_SPAWN = multiprocessing.get_context("spawn")


def work() -> None:
    """Score pairs for ever, as far as the scheduler sees."""
    os.nice(NICENESS)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    while True:
        end = process_time() + PAIR
        while process_time() < end:
            pass
        os.sched_yield()


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
    parser.add_argument("--rounds", type=int, default=9, help="of both (default 9)")
    wanted = parser.parse_args()
    rounds, seconds = (1, 0.2) if wanted.quick else (wanted.rounds, SECONDS)
    found: dict[bool, list[list[float]]] = {False: [], True: []}
    workers = [_SPAWN.Process(target=work, daemon=True) for _ in range(os.cpu_count() or 1)]
    for worker in workers:
        worker.start()
    try:
        with ProcessPoolExecutor(1, mp_context=_SPAWN, max_tasks_per_child=1) as pool:
            for seed in range(rounds):
                for short, runs in found.items():
                    runs.append(pool.submit(wake, short=short, seconds=seconds, seed=seed).result())
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    names = {False: "as it comes", True: "short turns"}
    figures = {
        names[short]: {name: median(quantile(late, q) for late in runs) * 1e3 for name, q in QUANTILES.items()}
        for short, runs in found.items()
    }
    lines = [(name, *(f"{ms:.2f}" for ms in shown.values())) for name, shown in figures.items()]
    print(table(("wakes late, ms", *QUANTILES), lines), end="\n\n")
    ratio = figures[names[True]]["p99"] / figures[names[False]]["p99"]
    finish(wanted, {"late_ms": figures}, [Target("p99 in short turns, to p99 as it comes", ratio, HALF, "x")], [])


if __name__ == "__main__":
    main()
