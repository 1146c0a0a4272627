"""A pool that is written to in a process of its own, for a test that kills it. Nothing else is there."""

from __future__ import annotations

import random
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from cases.case import Judged, Label
from cases.filter import Filter
from proxy.cases.doors import Bounds
from proxy.cases.sqlite_pool import SqlitePool
from tests.cases.made import case, finding

BOUNDS = Bounds(uniform=20, stratum=10, cases=35, bytes=400_000)
CLIENTS = 5


def write(path: Path, told: Connection, seed: int) -> None:
    """Add, label and erase cases until killed; `told` hears of what was done, when it was."""
    draw = random.Random(seed)
    pool = SqlitePool(path, BOUNDS)
    told.send(("open", ""))
    for number in count():
        pair_id, subject = f"{seed}-{number}", f"client{draw.randrange(CLIENTS)}"
        slip = finding("math.checked", baseline=False, candidate=draw.random() < 0.5)
        prompt = f"the same words as ever, again and again, for client {draw.randrange(9)}" if number % 3 else None
        pool.add(case(pair_id, slip, prompt=prompt, subject=subject, answer="x" * draw.randrange(9_000)))
        if draw.random() < 0.1:
            for found in pool.find(Filter(limit=2)):
                pool.label(found.pair_id, Label(Judged.SLIP, "ada", "t"))
        if draw.random() < 0.02:
            pool.erase(subject, "test", "2026-01-01T00:00:00.000Z")
            told.send(("erased", f"{subject} {pair_id}"))
        told.send(("added", pair_id))
