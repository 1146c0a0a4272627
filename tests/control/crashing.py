"""Control, its keeper and its store in a process of its own, for a test that kills it. Nothing else is there."""

from __future__ import annotations

import asyncio
import random
from multiprocessing.connection import Connection
from pathlib import Path

from analyzers.finding import Finding, Score
from proxy.config import Analysis, Arm, Candidate, Config, Guardrail, ModelNames
from proxy.config_rollout import CanaryStep, Rollout, Shadow
from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.control.kept import restored
from proxy.control.sqlite_store import SqliteStore
from proxy.report import Analysis as Analysed
from proxy.report import Report
from proxy.telemetry import Telemetry
from tests.control.fakes import FixedLedger
from verdict.rollout import Command, Stage

LEAST = 60
"""Sessions that each step asks for."""
WEIGHTS = (0.1, 0.5)
BURST, PAUSE = 3, 0.004
"""Sessions that come at once, and the seconds until more do."""
SECOND = round(BURST / PAUSE)
"""Sessions that take a second at least: on a machine that is slow, or busy with others, all the longer."""


def config(revision: str) -> Config:
    """One guardrail, two canary steps, taken as soon as there are the sessions."""
    return Config(
        baseline=Arm(url=("http://127.0.0.1:1",)),
        candidate=Candidate(url=("http://127.0.0.1:2",), revision=revision),
        models={"m": ModelNames()},
        analysis=Analysis(enabled=("served",)),
        guardrails={"served": Guardrail(margin=0.01)},
        rollout=Rollout(
            advance="auto",
            shadow=Shadow(seconds=0, sessions=LEAST),
            canary=tuple(CanaryStep(weight=weight, seconds=0, sessions=LEAST) for weight in WEIGHTS),
        ),
    )


def report(session: int) -> Report:
    finding = Finding("served", "1", "served", Score(0.0), Score(0.0))
    return Report("p", str(session), 1.0, "baseline", "paired", {"served": Analysed.SCORED}, {}, (finding,))


def live(path: Path, revision: str, first: int, told: Connection, seed: int) -> None:
    """Take sessions from number `first` on, until killed; `told` hears of each, and of what gateways are told."""
    asyncio.run(_live(path, revision, first, told, random.Random(seed)))


async def _live(path: Path, revision: str, first: int, told: Connection, chance: random.Random) -> None:
    store = SqliteStore(path)
    control = Control(config(revision), Telemetry(), FixedLedger(), "1", "salt")
    recalled = restored(control, store)

    def weigh(weight: float, _: float | None) -> None:
        told.send(("weight", weight, str(control.rollout.stage)))

    keeper = Keeper(control, store, weigh, silence=0.1, recalled=recalled)
    await keeper.start()
    running = asyncio.get_running_loop().create_task(keeper.run())
    session, rolls_back_at = first, chance.randint(1, 8 * LEAST)
    while True:
        for _ in range(BURST):
            control.receive(report(session))
            told.send(("session", session, ""))
            session += 1
        if session - first > rolls_back_at and control.rollout.stage is not Stage.ROLLED_BACK:
            await keeper.command(Command.ROLLBACK, by="operator", reason="chance")
        assert not running.done()
        await asyncio.sleep(PAUSE)
