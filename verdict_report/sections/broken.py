"""What makes identical arms look unequal: other rules than the verdict's, and what it does by design."""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict_report.engine import Harm
from verdict_report.figures import rng
from verdict_report.sections.false_alarms import ALPHA
from verdict_report.traffic import Behaviour, Rule, Turns, Xs, drawn, observed

RUNS = 1_000
SESSIONS = 20_000
RETRIES = Behaviour(0.2, 0.9)
ABORTS = Behaviour(0.5, 0.5, 0.01, 0.6)


def session_mean(turns: Turns) -> Xs:
    """The mean of X over a session's applicable turns."""
    eligible = turns.happened & turns.applies
    x = np.where(eligible, np.subtract(turns.candidate, turns.baseline, dtype=np.float32), 0)
    count = eligible.sum(axis=0)
    mean: Xs = (x.sum(axis=0)[count > 0] / count[count > 0]).astype(np.float32)
    return mean


def _first(turns: Turns) -> tuple[Turns, tuple[np.ndarray, np.ndarray]]:
    eligible = turns.happened & turns.applies
    some = np.flatnonzero(eligible.any(axis=0))
    return turns, (eligible.argmax(axis=0)[some], some)


def aborts_dropped(turns: Turns) -> Xs:
    """The first applicable turn, where it is complete."""
    turns, at = _first(turns)
    x = np.subtract(turns.candidate[at], turns.baseline[at], dtype=np.float32)
    kept: Xs = x[~turns.missing[at]]
    return kept


def unpaired(turns: Turns) -> Xs:
    """The candidate's failures alone: what the baseline failed is counted elsewhere."""
    turns, at = _first(turns)
    alone: Xs = turns.candidate[at].astype(np.float32)
    return alone


def lost(turns: Turns) -> Xs:
    """An event without a sign: the baseline good, the candidate not."""
    turns, at = _first(turns)
    events: Xs = (turns.candidate[at] & ~turns.baseline[at]).astype(np.float32)
    return events


def where_baseline_was_good(turns: Turns) -> Xs:
    """A population that depends on the baseline's answer."""
    turns, at = _first(turns)
    x = np.subtract(turns.candidate[at], turns.baseline[at], dtype=np.float32)
    kept: Xs = x[~turns.baseline[at]]
    return kept


RULES: dict[str, tuple[str, Behaviour, Rule]] = {
    "session_mean": (
        "the mean over a session's turns, clients ask again after a bad answer",
        RETRIES,
        session_mean,
    ),
    "aborts_dropped": ("answers that clients broke off are left out", ABORTS, aborts_dropped),
    "unpaired": ("the candidate's failures counted, the baseline's not set against them", RETRIES, unpaired),
    "lost": ("“baseline good, candidate bad” as an event by itself", RETRIES, lost),
    "population": ("only requests that the baseline answered well", RETRIES, where_baseline_was_good),
}


def measure() -> dict[str, Any]:
    """Alarms by rule, and those of a slip that swings by two points around nothing."""
    found = {}
    for number, (name, (_, behaviour, rule)) in enumerate(RULES.items()):
        harm = Harm(RUNS, 0.0, (1 / ALPHA,), SESSIONS)
        for x in observed(rng(2, number), behaviour, rule, SESSIONS, RUNS, to_the_end=True):
            harm.fold(x)
            if (harm.stopped[0] > 0).all():
                break
        found[name] = {"runs": RUNS, "alarms": int((harm.stopped[0] > 0).sum())}
    harm = Harm(RUNS, 0.0, (1 / ALPHA,), SESSIONS)
    for x in drawn(rng(2, 99), _swinging, SESSIONS, RUNS):
        harm.fold(x)
    return found | {"swinging": {"runs": RUNS, "alarms": int((harm.stopped[0] > 0).sum())}}


def _swinging(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Discordance of 6 %; the slip is -2 % for a thousand sessions, then +2 % for a thousand, and so on."""
    slip = np.where((t - 1) // 1_000 % 2 == 0, -0.02, 0.02)
    return 0.03 + slip / 2, 0.03 - slip / 2
