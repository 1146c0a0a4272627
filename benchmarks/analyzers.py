"""What the analyzers cost: pairs of the testbed's models, read and judged in one process.

    python -m benchmarks.analyzers [--count 1000] [--rounds 5] [--profile 0] [--quick] [--json FILE]

The testbed's fp16 and slipping models first answer `count` held-out requests (half a minute), so that prompts and
answers are as varied as live ones. Then every pair is read from its bytes and judged by all default analyzers, as
an analyzer process does it, and timed by the processor's clock: the median over the rounds of each pair's time.
`applies` is the share of pairs that an analyzer judges; `median` and `p99` are microseconds of those, `mean` of all
pairs, and the means add up. `--profile N` shows the N functions that take most time themselves, which a
profiler inflates: read them beside each other.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median
from typing import Any

import orjson

from analyzers import registry
from analyzers.finding import Analyzer
from analyzers.pair import Capture, CapturedPair, End
from analyzers.reading import read_pair
from analyzers.scoring import judge
from benchmarks.figures import Target, quantile, table
from benchmarks.report import finish, options
from proxy.config import Analysis
from testbed.measure import MODELS, answered
from testbed.tasks import prompts

SEED = 515
MOST_US = 1_250.0
"""800 pairs a second and core."""
READING = "reading"


@dataclass(frozen=True)
class Cost:
    """One analyzer's, or the reading's."""

    name: str
    applies: float
    median_us: float
    p99_us: float
    """Of the pairs it applies to."""
    mean_us: float
    """Of all pairs."""


def captured(number: int, body: dict[str, Any], told: tuple[dict[str, Any], dict[str, Any]]) -> CapturedPair:
    """A pair as the gateway would hand it over."""
    baseline, candidate = (
        Capture(End.COMPLETE, 200, "application/json", "", orjson.dumps(answer)) for answer in told
    )
    names = (f"pair-{number}", f"session-{number}", "baseline", "/v1/chat/completions")
    return CapturedPair(*names, orjson.dumps({"model": "bench", **body}), baseline, candidate)


async def testbed_pairs(count: int) -> list[CapturedPair]:
    """Held-out requests, answered by both models."""
    asked = list(prompts(SEED, count))
    told = [await answered(MODELS, arm, asked) for arm in ("fp16", "int4-slipping")]
    return [
        captured(number, dict(prompt.body), both)
        for number, (prompt, both) in enumerate(zip(asked, zip(*told, strict=True), strict=True))
    ]


def judged(analyzers: Sequence[Analyzer], pairs: Sequence[CapturedPair]) -> list[list[tuple[float, bool]]]:
    """For each pair, the reading's and each analyzer's microseconds, and whether it applied."""
    found = []
    for each in pairs:
        began = time.process_time_ns()
        pair = read_pair(each)
        ended = time.process_time_ns()
        row = [((ended - began) / 1e3, True)]
        for analyzer in analyzers:
            began = ended
            finding = judge(analyzer, pair)
            ended = time.process_time_ns()
            row.append(((ended - began) / 1e3, finding is not None))
        found.append(row)
    return found


def costs(names: Sequence[str], rounds: Sequence[list[list[tuple[float, bool]]]]) -> list[Cost]:
    """One row for each name: medians over the rounds, pair by pair, then over pairs."""
    rows = []
    for place, name in enumerate(names):
        times = [median(one[at][place][0] for one in rounds) for at in range(len(rounds[0]))]
        applied = [took for took, row in zip(times, rounds[0], strict=True) if row[place][1]]
        share = len(applied) / len(times)
        of_applied = (median(applied), quantile(applied, 0.99)) if applied else (0.0, 0.0)
        rows.append(Cost(name, share, *of_applied, mean(times)))
    return rows


def profiled(analyzers: Sequence[Analyzer], pairs: Sequence[CapturedPair], top: int) -> None:
    """Print the functions that take most time themselves."""
    profile = cProfile.Profile()
    profile.runcall(judged, analyzers, pairs)
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(top)


def main() -> None:
    """Measure, print, judge."""
    parser = options("benchmarks.analyzers", __doc__)
    parser.add_argument("--count", type=int, default=1_000, help="pairs (default 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="times that each pair is judged (default 5)")
    parser.add_argument("--profile", type=int, default=0, metavar="N", help="show N functions (default none)")
    wanted = parser.parse_args()
    count, rounds = (20, 1) if wanted.quick else (wanted.count, wanted.rounds)
    pairs = asyncio.run(testbed_pairs(count))
    analyzers = registry.load(Analysis().enabled)
    for analyzer in analyzers:
        analyzer.prepare()
    judged(analyzers, pairs[:20])  # whatever is loaded at first use
    found = costs([READING, *(each.name for each in analyzers)], [judged(analyzers, pairs) for _ in range(rounds)])
    whole = sum(cost.mean_us for cost in found)
    lines = [
        (cost.name, f"{cost.applies:.0%}", f"{cost.median_us:.0f}", f"{cost.p99_us:.0f}", f"{cost.mean_us:.1f}")
        for cost in found
    ]
    lines.append((f"all, {1e6 / whole:,.0f} pairs/s", "", "", "", f"{whole:.1f}"))
    print(table(("analyzer", "applies", "median us", "p99 us", "mean us"), lines), end="\n\n")
    if wanted.profile:
        profiled(analyzers, pairs, wanted.profile)
    target = Target("all default analyzers and the reading, a pair", whole, MOST_US, " us")
    finish(wanted, {"pairs": count, "rows": [asdict(cost) for cost in found]}, [target], ())


if __name__ == "__main__":
    main()
