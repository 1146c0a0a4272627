"""Replay as it is told: read, send what has no answers yet, score, show."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

import orjson

from analyzers.pair import CapturedPair
from proxy import logs
from proxy.config import Config, Log
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.watch import Watch
from proxy.handover import Handover
from proxy.probes import Prober
from proxy.replay import rows
from proxy.replay.score import Scoring
from proxy.replay.send import Sender, sending
from proxy.shown import print_findings, progress, say
from proxy.telemetry import Telemetry

PROBLEMS = 10
"""Most bad lines that are named."""


class ReplayError(Exception):
    """The replay cannot be made; the message says why, and what would be right."""


@dataclass(frozen=True)
class Plan:
    """What to replay. `out` is where pairs go that have been sent; None where nothing is sent."""

    config: Config
    file: Path
    out: Path | None
    passing: bool = False
    """Whether `out` is kept only until all is scored: it is there to go on from."""


async def replay(plan: Plan, *, tables: bool, handover: Handover | None = None) -> dict[str, Any]:
    """Do it; the object of `--json`. Raises ReplayError. Cancelled while it sends, what was answered is kept."""
    logs.configure(Log(level="warning"))
    count = check(plan.file, complete=plan.out is None)
    telemetry, now = Telemetry(), monotonic()
    scoring = Scoring(plan.config, telemetry)
    if plan.out is None:
        await _score(scoring, plan.file, count, None)
    else:
        arms = {
            "baseline": Arm("baseline", plan.config.baseline, telemetry, share=1.0, now=now),
            "candidate": Arm("candidate", plan.config.candidate, telemetry, share=1.0, now=now),
        }
        watches = [Watch(arm) for arm in arms.values()]
        for watch in watches:
            watch.start()
        try:
            count = await _send(plan, arms, count)
            await _score(scoring, plan.out, count, Prober(plan.config, arms, telemetry))
        finally:
            await asyncio.gather(*(watch.close() for watch in watches))
    if plan.passing and plan.out is not None:
        plan.out.unlink()
    result = scoring.result()
    if handover is not None:
        handover.take(scoring.control)
    if tables:
        print_findings(scoring.control)
    return result


def pairs(file: Path) -> Iterator[CapturedPair]:
    """The pairs of a file that `check` has found good."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                with contextlib.suppress(rows.UnfitError):
                    yield rows.read(line, number)


def models(file: Path) -> list[str]:
    """The names of the models that the file's requests ask for. Raises ReplayError."""
    _looked_at(file, complete=False)
    return sorted({str(orjson.loads(pair.body).get("model")) for pair in pairs(file)})


def check(file: Path, *, complete: bool) -> int:
    """How many rows a file has; each must have both answers where they are to be `complete`. Raises ReplayError.

    Kept cases that cannot be replayed are said, and left out.
    """
    count, unfit = _looked_at(file, complete=complete)
    for why, times in unfit.items():
        say(f"left out {times} of the cases: {why}")
    return count


def _looked_at(file: Path, *, complete: bool) -> tuple[int, Counter[str]]:
    problems, count, seen, unfit = list[str](), 0, set[str](), Counter[str]()
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                count += 1
                try:
                    pair = rows.read(line, number)
                except rows.RowError as error:
                    problems.append(f"line {number}: {error}")
                    continue
                except rows.UnfitError as error:
                    unfit[str(error)] += 1
                    count -= 1
                    continue
                if pair.pair_id in seen:
                    problems.append(f"line {number}: the id {pair.pair_id!r} stands here twice")
                elif complete and not rows.complete(pair):
                    problems.append(f"line {number}: has not both answers; send it to --baseline and --candidate")
                seen.add(pair.pair_id)
    except OSError as error:
        raise ReplayError(f"{file} cannot be read: {error.strerror}") from None
    if problems:
        more = f"\n  and {len(problems) - PROBLEMS} more" if len(problems) > PROBLEMS else ""
        raise ReplayError("\n  ".join((f"{file}: {len(problems)} bad lines", *problems[:PROBLEMS])) + more)
    if not count:
        raise ReplayError(f"{file} has no rows" + (" that can be replayed" if unfit else ""))
    return count, unfit


async def _send(plan: Plan, arms: dict[str, Arm], count: int) -> int:
    """Send what `plan.out` has no answers to yet; how many it has in the end."""
    out = plan.out
    if out is None:
        raise ValueError("nowhere to keep answers")
    try:
        known = {pair.pair_id for pair in pairs(out)} if out.exists() and _mended(out) else set[str]()
        out.open("ab").close()
    except OSError as error:
        raise ReplayError(f"{out} cannot be written: {error.strerror}") from None
    async with sending(plan.config, arms) as sender:
        left = [pair for pair in pairs(plan.file) if pair.pair_id not in known]
        problems = [f"{pair.pair_id}: {why}" for pair in left if (why := sender.problem(pair))]
        if problems:
            raise ReplayError("\n  ".join((f"{len(problems)} requests cannot be sent", *problems[:PROBLEMS])))
        if known:
            say(f"{len(known)} answers are in {out} from before; to ask anew, delete it")
        say(f"sending {len(left)} of {count} requests to both servers; answers go to {out}")
        with out.open("ab") as kept, progress(len(left), "sent") as advanced:
            await _keep(sender, left, kept, advanced)
    return len(known) + len(left)


async def _keep(sender: Sender, left: list[CapturedPair], kept: BinaryIO, advanced: Any) -> None:
    number = 0
    async for pair in sender.answered(left):
        number += 1
        kept.write(rows.write(pair))
        kept.flush()
        advanced(number)


def _mended(out: Path) -> bool:
    """Cut off a last line that was not written whole, so that it is sent again. True."""
    body = out.read_bytes()
    whole = body.rfind(b"\n") + 1
    if whole < len(body):
        with out.open("r+b") as file:
            file.truncate(whole)
    if whole:
        check(out, complete=True)
    return True


async def _score(scoring: Scoring, file: Path, count: int, asker: Prober | None) -> None:
    say(f"scoring {count} pairs")
    with progress(count, "scored") as advanced:
        await scoring.run(pairs(file), asker, advanced)
