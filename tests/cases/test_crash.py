"""Killed at any moment of its writing, the pool opens again and its tables agree with each other."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from cases.case import loads
from cases.filter import Filter
from cases.sampling import rank
from proxy.cases.sqlite_pool import SqlitePool
from tests.cases import writing
from tests.cases.made import case
from tests.cases.writing import BOUNDS

KILLS = 100


def killed(path: Path, words: int, *, pause: float, seed: int) -> list[tuple[str, str]]:
    """What a writer said in its life, of so many words and a pause: however slow the machine, it has got as far."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=writing.write, args=(path, theirs, seed), daemon=True)
    process.start()
    theirs.close()
    assert process.pid is not None
    said = [ours.recv()]
    while len(said) < words:
        said.append(ours.recv())
    time.sleep(pause)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return said + rest(ours)


def rest(ours: Connection) -> list[tuple[str, str]]:
    said = []
    try:
        while True:
            said.append(ours.recv())
    except (EOFError, OSError):
        return said


def check(path: Path) -> set[str]:
    """What must be so of the file, whoever was killed; the pairs that have a membership."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = db.execute("SELECT pair_id, size, body FROM cases").fetchall()
        assert db.execute("SELECT cases, bytes FROM totals").fetchone() == (
            len(rows),
            sum(size for _, size, _ in rows),
        )
        assert len(rows) <= BOUNDS.cases
        assert sum(size for _, size, _ in rows) <= BOUNDS.bytes
        for pair_id, size, body in rows:
            assert loads(body).pair_id == pair_id
            assert len(body) == size
        members = db.execute("SELECT stratum, pair_id, rank, weight, threshold, holder FROM members").fetchall()
        held = {pair_id for pair_id, *_ in rows}
        assert {holder for *_, holder in members if holder} == held, "a case is held by somebody"
        floors = {name: (floor, count) for name, floor, count in db.execute("SELECT * FROM strata")}
        for name, (_, count) in floors.items():
            assert sum(stratum == name for stratum, *_ in members) == count <= BOUNDS.of(name)
        for stratum, pair_id, own, weight, threshold, _ in members:
            assert own == rank(pair_id, stratum, weight) > max(threshold, floors[stratum][0])
        return {pair_id for _, pair_id, *_ in members}


@pytest.mark.timeout(300)
def test_killed_a_hundred_times_while_writing_it_opens_and_is_consistent(tmp_path: Path) -> None:
    multiprocessing.set_forkserver_preload(["tests.cases.writing"])
    chance, path = random.Random(7), tmp_path / "cases.db"
    added = erased = 0
    for number in range(KILLS):
        said = killed(path, chance.randint(0, 80), pause=chance.uniform(0.0, 0.005), seed=number)
        members = check(path)
        gone = [what.split() for kind, what in said if kind == "erased"]
        names = [what for kind, what in said if kind == "added"]
        for _, last in gone:  # that case itself was the client's
            assert last not in members
        added, erased = added + len(names), erased + len(gone)
        with closing(SqlitePool(path, BOUNDS)) as pool:
            assert pool.stats().cases == len(pool.find(Filter(limit=99)))
            assert pool.add(case(f"after-{number}")) is not None

    assert added > 20 * KILLS
    assert erased > 5
