"""Killed at any moment, control comes back with its evidence, and at no stage that the evidence does not carry."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.control import crashing
from tests.control.crashing import LEAST, SECOND, WEIGHTS

KILLS = 50
REDELIVERED = 200
"""Sessions that come a second time after each kill."""


def killed_after(path: Path, revision: str, first: int, sessions: int, *, pause: float, seed: int) -> list[Any]:
    """What a control said in its life, of so many sessions and a pause."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=crashing.live, args=(path, revision, first, theirs, seed), daemon=True)
    process.start()
    theirs.close()
    assert process.pid is not None
    said = [ours.recv()]
    while sessions > 0:
        said.append(ours.recv())
        sessions -= said[-1][0] == "session"
    time.sleep(pause)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return said + rest(ours)


def rest(ours: Connection) -> list[Any]:
    said = []
    try:
        while True:
            said.append(ours.recv())
    except (EOFError, OSError):
        return said


def kept(path: Path) -> tuple[dict[str, Any], int, set[int], list[tuple[str, str]]]:
    """The stage, the sessions that its evidence counts, their keys, and the audit log."""
    store = sqlite3.connect(path)
    state = dict(store.execute("SELECT name, value FROM state"))
    seen = {int(session) for (session,) in store.execute("SELECT session FROM seen")}
    log = list(store.execute("SELECT revision, action FROM audit ORDER BY id"))
    store.close()
    (count,) = (each["sessions"] for each in orjson.loads(state["evidence"])["dossier"]["evidence"].values())
    return orjson.loads(state["rollout"]), int(count), seen, log


@pytest.mark.timeout(300)
def test_killed_at_fifty_moments_of_a_rollout_it_loses_nothing_old_and_is_never_ahead(tmp_path: Path) -> None:
    multiprocessing.set_forkserver_preload(["tests.control.crashing"])
    chance, path = random.Random(4), tmp_path / "s.db"
    revision, session, rolled_back = 1, 0, False
    reached, rollbacks = set[str](), 0
    for number in range(KILLS):
        long = number % 5 == 4
        first = max(0, session - REDELIVERED)
        life = chance.randint(SECOND, SECOND * 8 // 5) if long else chance.randint(0, SECOND // 2)
        said = killed_after(path, str(revision), first, life, pause=chance.uniform(0.0, 0.01), seed=number)
        rollout, count, seen, log = kept(path)
        sessions = [what for kind, what, _ in said if kind == "session"]
        session = max(sessions, default=session) + 1

        # none counted twice, and what is counted is what has been seen
        assert count == len(seen)
        # no evidence older than a second is lost
        assert set(sessions[:-SECOND]) <= seen
        # the stage is never ahead of its evidence
        steps = (0.0, *WEIGHTS)
        assert rollout["stage"] == "rolled_back" or count >= LEAST * steps.index(rollout["step_weight"])
        # what gateways were told was durable before
        weights = [(weight, stage) for kind, weight, stage in said if kind == "weight"]
        if weights and rollout["stage"] != "rolled_back":
            assert max(weight for weight, _ in weights) <= rollout["weight"]
        # a rollback is never undone
        assert not rolled_back or (rollout["stage"], rollout["weight"]) == ("rolled_back", 0.0)
        assert not rolled_back or all(weight == 0.0 for weight, _ in weights)
        if any(stage == "rolled_back" for _, stage in weights):
            assert rollout["stage"] == "rolled_back"
        assert log.count((str(revision), "rollback")) == (rollout["stage"] == "rolled_back")

        reached.add(rollout["stage"])
        if rolled_back:
            revision, rolled_back, session = revision + 1, False, 0
            rollbacks += 1
        else:
            rolled_back = rollout["stage"] == "rolled_back"

    assert {"shadow", "canary", "rolled_back"} <= reached
    assert rollbacks >= 5
