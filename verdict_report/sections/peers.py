"""What else is done with such counts, on identical arms, with a look after every session."""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict_report.figures import rng
from verdict_report.sections.false_alarms import BATCH, MARKS, SESSIONS
from verdict_report.traffic import drawn, steady

BATCHES = 4
FAILS = 0.0291
Z = 2.326
"""One-sided 1 %."""
LEAST = 30
"""Discordant sessions from which the normal approximation is commonly used."""
WINDOW = 500
POINTS = 0.01


def measure() -> dict[str, Any]:
    """Alarms by method and session, of both arms failing 3 % by itself."""
    firsts = [_batch(batch) for batch in range(BATCHES)]
    found = {}
    for name in firsts[0]:
        first = np.concatenate([each[name] for each in firsts])
        found[name] = {"runs": len(first), "by": [int(((first > 0) & (first <= mark)).sum()) for mark in MARKS]}
    return found


def _batch(batch: int) -> dict[str, np.ndarray]:
    """First alarms: McNemar's test at every look, and a threshold on the slip of the last sessions."""
    peeking, threshold = np.zeros(BATCH, dtype=int), np.zeros(BATCH, dtype=int)
    up, down = np.zeros(BATCH), np.zeros(BATCH)
    ring = np.zeros((WINDOW, BATCH))
    last, t = np.zeros(BATCH), 0
    for x in drawn(rng(3, batch), steady(FAILS, FAILS), SESSIONS, BATCH):
        for row in x:
            t += 1
            up += row > 0
            down += row < 0
            discordant = up + down
            z = (up - down) / np.sqrt(np.maximum(discordant, 1))
            peeking[(peeking == 0) & (discordant >= LEAST) & (z >= Z)] = t
            last += row - ring[t % WINDOW]
            ring[t % WINDOW] = row
            if t >= WINDOW:
                threshold[(threshold == 0) & (last > POINTS * WINDOW)] = t
    return {"peeking": peeking, "threshold": threshold}
