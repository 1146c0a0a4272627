"""What the case pool costs at its bound: 1,000 pairs a second, redacted and offered as analyzer processes do.

    python -m benchmarks.pool

Every pair is new; a twentieth slips, by one of four failures, and half differ. `floors` is the pool as it runs: its
floors are told four times a second, and a pair that has no chance is neither redacted nor offered. `all` offers
every pair, as if no floors were told: what the pool's own thread can take. Both write to a file, as a deployment
does.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from analyzers.finding import Finding, Measurement, Score
from analyzers.pair import Choice
from benchmarks.figures import Target
from benchmarks.report import finish, options
from cases.case import Answer, Case, stamp
from cases.sampling import chances
from cases.strata import places
from proxy.cases.doors import Bounds
from proxy.cases.sqlite_pool import SqlitePool

RATE = 1_000
"""Pairs a second."""
TOLD_EVERY = 0.25
BATCH = 32
BOUNDS = Bounds(uniform=1_000, stratum=100, cases=1_500, bytes=16 * 1024 * 1024)
WORDS = [f"word{number}" for number in range(4_000)]


def case(number: int, draw: random.Random) -> Case:
    """A pair of a kilobyte or so each way."""
    slips = draw.random() < 0.05
    failing = number % 4
    findings = tuple(
        Finding(name, "1", name, Score(0.0), Score(float(slips and at == failing), "wrong" if slips else "ok"))
        for at, name in enumerate(("json.prompted", "math.checked", "tools.invalid", "degeneration"))
    )
    said = " ".join(draw.choices(WORDS, k=150))
    distance = draw.random() if number % 2 else 0.0
    return Case(
        pair_id=f"{number:x}",
        at=stamp(datetime.now(UTC)),
        subject=f"{number % 50:032x}",
        session="k",
        primary="baseline",
        state="paired",
        inclusion=0.05,
        revision="1",
        path="/v1/chat/completions",
        request={"model": "m", "messages": [{"role": "user", "content": " ".join(draw.choices(WORDS, k=150))}]},
        headers={},
        baseline=Answer("complete", 200, (Choice(said),), 150, 150, 0.1, 2.0),
        candidate=Answer("complete", 200, (Choice(said + " and more"),), 150, 152, 0.1, 2.0),
        findings=findings,
        measurements=(Measurement("similarity", "1", (distance, 0.5, 0.0)),),
        segments=("model=m", "streaming=yes"),
    )


def flow(seconds: float, path: Path, *, floors: bool) -> dict[str, Any]:
    """Offer pairs at the rate for so long; what the pool's thread spent on them, and what is there."""
    draw, results, largest = random.Random(1), Counter[str](), 0
    with closing(SqlitePool(path, BOUNDS)) as pool:
        known, told_at, spent, offered, late = pool.floors(), 0.0, 0.0, 0, 0.0
        batch = list[Case]()
        for number in range(round(seconds * RATE)):
            now = number / RATE
            if floors and now - told_at >= TOLD_EVERY:
                known, told_at = pool.floors(), now
            made = case(number, draw)
            passed = chances(made.pair_id, places(made.findings, made.measurements), known)
            if passed:
                batch.append(replace(made, strata=passed))
            if batch and (len(batch) == BATCH or number % 100 == 99):
                began = time.perf_counter(), time.process_time()
                results.update(map(str, pool.add_all(batch)))
                late = max(late, time.perf_counter() - began[0])
                spent += time.process_time() - began[1]
                offered += len(batch)
                batch.clear()
            if number % 1_000 == 999:
                largest = max(largest, sum(file.stat().st_size for file in path.parent.iterdir()))
        stats = pool.stats()
    return {
        "pairs": round(seconds * RATE),
        "offered": offered,
        "results": dict(results),
        "cpu_share": spent / seconds,
        "cpu_us_per_offer": 1e6 * spent / max(offered, 1),
        "adds_per_cpu_second": offered / spent if spent else 0.0,
        "longest_batch_seconds": late,
        "cases": stats.cases,
        "case_bytes": stats.bytes,
        "file_bytes_most": largest,
    }


def main() -> None:
    """Print both, and end with 1 where the pool grows beyond its bounds or does not keep up."""
    chosen = options("benchmarks.pool", __doc__).parse_args()
    seconds = 2.0 if chosen.quick else 60.0
    found: dict[str, Any] = {}
    for name in ("floors", "all"):
        with tempfile.TemporaryDirectory() as folder:
            found[name] = flow(seconds, Path(folder) / "cases.db", floors=name == "floors")
        told = {key: round(value, 4) if isinstance(value, float) else value for key, value in found[name].items()}
        sys.stdout.write(f"{name}: {orjson.dumps(told).decode()}\n")
    bounded = max(each["case_bytes"] for each in found.values()), max(each["cases"] for each in found.values())
    targets = [
        Target("cases at the bound", bounded[1], BOUNDS.cases),
        Target("bytes of cases at the bound", bounded[0], BOUNDS.bytes),
        Target(
            "bytes of the file and what is beside it",
            max(e["file_bytes_most"] for e in found.values()),
            4 * BOUNDS.bytes,
        ),
        Target("share of a core, floors told", found["floors"]["cpu_share"], 0.15),
        Target("share of a core, every pair offered", found["all"]["cpu_share"], 1.0),
    ]
    finish(chosen, {"pool": found}, targets, [])


if __name__ == "__main__":
    main()
