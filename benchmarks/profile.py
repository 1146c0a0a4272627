"""Where a mirrored request's time goes: the whole deployment in this process, under cProfile.

    python -m benchmarks.profile [--answer plain|at_once|spaced] [--share 1.0] [--count 2000] [--top 40]

It is the gateway's sources that run, not what they compile to. Calls per request are exact. Times are inflated by
the profiler, most where functions are small, and by whatever else the cores do meanwhile: read them beside each
other, and take what a request costs from `make bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
from pathlib import Path
from typing import Any, get_args

import uvloop

os.environ["SLIPGAUGE_PURE"] = "1"  # a profiler sees nothing of compiled functions

from benchmarks.figures import table
from benchmarks.load import Answer, Plan
from benchmarks.peers.slipgauge import config
from benchmarks.stand import Stand, standing
from proxy import logs
from proxy.config_file import parse
from proxy.run import Deployment

ROOT = Path(__file__).parents[1]


async def profiled(stand: Stand, plan: Plan, share: float) -> cProfile.Profile:
    """Serve the load, and record every call while it lasts. Raises RuntimeError where an answer was wrong."""
    settings = parse(config((0, 0), (stand.baseline.port, stand.candidate.port), share))
    logs.configure(settings.log)
    deployment = Deployment(settings)
    await deployment.start()
    try:
        plan = Plan(deployment.data_address.port, plan.count, plan.rate, plan.connections, plan.answer)
        await asyncio.to_thread(stand.load, plan)  # warms up
        profile = cProfile.Profile()
        profile.enable()
        seen = await asyncio.to_thread(stand.load, plan)
        profile.disable()
    finally:
        await deployment.stop()
    if seen.errors:
        raise RuntimeError(f"requests failed: {seen.errors}")
    return profile


def shown(stats: Any, count: int, top: int) -> str:
    """The functions that took most time themselves, with calls and microseconds per request."""
    found = sorted(stats.items(), key=lambda item: -item[1][2])
    calls, seconds = (sum(each[1][at] for each in found) for at in (1, 2))
    lines = [
        (f"{total / count:.2f}", f"{own / count * 1e6:.1f}", f"{whole / count * 1e6:.1f}", _name(*function))
        for function, (_, total, own, whole, _) in found[:top]
    ]
    lines.append((f"{calls / count:.1f}", f"{seconds / count * 1e6:.1f}", "", "all"))
    return table(("calls", "own us", "with callees us", "function, per request"), lines)


def _name(file: str, line: int, function: str) -> str:
    if file == "~":
        return function
    path = Path(file)
    return f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name}:{line} {function}"


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--answer", choices=get_args(Answer), default="plain")
    parser.add_argument("--share", type=float, default=1.0, help="share of the requests that are mirrored")
    parser.add_argument("--count", type=int, default=2_000, help="requests")
    parser.add_argument("--top", type=int, default=40, help="functions shown")
    options = parser.parse_args()
    spaced = options.answer == "spaced"
    plan = Plan(0, options.count, rate=40 if spaced else None, connections=16, answer=options.answer)
    with standing() as stand:
        if spaced:
            stand.baseline.become("spaced")
            stand.candidate.become("spaced")
        profile = uvloop.run(profiled(stand, plan, options.share))
    print(shown(pstats.Stats(profile).stats, options.count, options.top))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
