"""Simulated sessions whose truth is known, by the rules of `verdict.sessions`.

X of independent sessions comes straight from its probabilities. Where clients react to answers, whole sessions are
played turn by turn, and the rules of the first applicable turn and of what went missing make X of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Generator = np.random.Generator
Bools = npt.NDArray[np.bool_]
Xs = npt.NDArray[np.float32]
Rates = Callable[[npt.NDArray[np.int64]], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
"""Of sessions by their number: P(X = 1) and P(X = -1)."""

MOST_TURNS = 6
BLOCK = 100
"""Sessions of each run drawn at once."""
CHUNK = 16_384
"""Sessions played at once: what a processor's cache holds."""


def steady(up: float, down: float) -> Rates:
    """The same probabilities throughout."""
    return lambda t: (np.full(t.shape, up), np.full(t.shape, down))


def late(after: int, up: float, down: float) -> Rates:
    """Equal arms at `down` until a slip begins."""
    return lambda t: (np.where(t > after, up, down), np.full(t.shape, down))


def drawn(rng: Generator, rates: Rates, sessions: int, runs: int) -> Iterator[Xs]:
    """X of independent sessions, sessions by runs, in blocks."""
    for first in range(0, sessions, BLOCK):
        up, down = rates(np.arange(first + 1, min(first + BLOCK, sessions) + 1))
        u = rng.random((len(up), runs), dtype=np.float32)
        yield (u < up[:, None]).astype(np.float32) - (u > 1 - down[:, None])


@dataclass(frozen=True)
class Behaviour:
    """How clients react to the primary's answers, both arms being the same model."""

    go_on_good: float = 0.0
    """Probability of a further turn after a good answer."""
    go_on_bad: float = 0.0
    abort_good: float = 0.0
    """Probability of leaving amid a good answer: its pair is missing after it was sent."""
    abort_bad: float = 0.0
    applies: float = 0.7
    """Probability that a turn is in the guardrail's population, by its request alone."""


@dataclass
class Turns:
    """Turns by sessions. What did not happen is False."""

    happened: Bools
    applies: Bools
    baseline: Bools
    """Whether it failed."""
    candidate: Bools
    missing: Bools

    def __getitem__(self, session: slice) -> Turns:
        return Turns(*(each[:, session] for each in vars(self).values()))


def play(rng: Generator, behaviour: Behaviour, sessions: int, *, to_the_end: bool = True) -> Turns:
    """Play sessions; with `to_the_end` False, each only up to its first applicable turn."""
    turns = Turns(*np.zeros((5, MOST_TURNS, sessions), dtype=bool))
    hard = rng.random(sessions, dtype=np.float32) < 0.2
    fails = np.where(hard, 0.1, 0.01).astype(np.float32)  # of every turn of the session, on either arm
    going = np.arange(sessions)
    for turn in range(MOST_TURNS):
        rate = fails[going]
        applies, baseline, candidate, aborts, goes = rng.random((5, going.size), dtype=np.float32)
        bad = baseline < rate
        missing = aborts < np.where(bad, behaviour.abort_bad, behaviour.abort_good)
        turns.happened[turn, going] = True
        turns.applies[turn, going] = applies < behaviour.applies
        turns.baseline[turn, going] = bad
        turns.candidate[turn, going] = candidate < rate
        turns.missing[turn, going] = missing
        goes_on = ~missing & (goes < np.where(bad, behaviour.go_on_bad, behaviour.go_on_good))
        if not to_the_end:
            goes_on &= applies >= behaviour.applies
        going = going[goes_on]
    return turns


Rule = Callable[[Turns], Xs]
"""What makes of sessions one X each, and leaves some out."""


def first_applicable(turns: Turns) -> tuple[Bools, Xs, Xs]:
    """Of each session whether any turn applies, and the least and the most that X of the first one can be.

    Of a turn that went missing after it was sent, nothing is known.
    """
    eligible = turns.happened & turns.applies
    first = eligible.argmax(axis=0), np.arange(eligible.shape[1])
    x = np.subtract(turns.candidate[first], turns.baseline[first], dtype=np.float32)
    low, high = x.copy(), x.copy()
    low[turns.missing[first]], high[turns.missing[first]] = -1, 1
    return np.logical_or.reduce(eligible, axis=0), low, high


def least(turns: Turns) -> Xs:
    """What harm goes by."""
    some, low, _ = first_applicable(turns)
    return low[some]


def observed(
    rng: Generator, behaviour: Behaviour, rule: Rule, sessions: int, runs: int, *, to_the_end: bool = False
) -> Iterator[Xs]:
    """X by a rule, sessions by runs, in blocks. Sessions are alike in all runs, so these share one stream."""
    spare = np.zeros(0, dtype=np.float32)
    for first in range(0, sessions, BLOCK):
        wanted = min(BLOCK, sessions - first) * runs
        found, have = [spare], len(spare)
        while have < wanted:
            found.append(rule(play(rng, behaviour, CHUNK, to_the_end=to_the_end)))
            have += len(found[-1])
        stream = np.concatenate(found)
        spare = stream[wanted:]
        yield stream[:wanted].reshape(-1, runs)
