"""`verdict.harm`, `verdict.evidence` and `verdict.late` over thousands of runs at once, in numpy.

Written apart from the code it measures; a test holds the two to the same numbers on the same sessions. `x` is
always an array of sessions by runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from verdict.bets import SHARES, stakes
from verdict.harm import LATE

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
X = npt.NDArray[np.floating]
NEVER = 0
"""Where a run has not stopped."""


class Harm:
    """First session at which each run's e-value reaches each threshold.

    Capital is kept divided by what an X of 0 makes of it, and brought up to date only where X is not 0: between
    such sessions every run's capital does the same.
    """

    def __init__(self, runs: int, margin: float, thresholds: Sequence[float], sessions: int) -> None:
        self.stopped = np.zeros((len(thresholds), runs), dtype=np.int64)
        self.session = 0
        self._thresholds = np.array(thresholds)
        self._stakes = np.array(stakes(margin))
        self._log_even = -np.log1p(self._stakes * margin)
        t = np.arange(1, sessions + 1)
        starting = LATE / 2 / ((LATE + t - 1) * (LATE + t))
        grown = starting[:, None] * np.array(SHARES) * np.exp(-(t - 1)[:, None] * self._log_even)
        self._started = np.vstack([np.zeros(len(SHARES)), np.cumsum(grown, axis=0)])
        self._capital = np.tile(np.array(SHARES) / 2, (runs, 1))
        self._last = np.zeros(runs, dtype=np.int64)

    def fold(self, x: X) -> None:
        """The next sessions of every run."""
        for row in x:
            self.session += 1
            at = np.flatnonzero(row)
            at = at[self.stopped[-1, at] == NEVER]
            if at.size:
                self._update(at, row[at])

    def _update(self, at: Ints, x: X) -> None:
        t = self.session
        held = self._capital[at] + (self._started[t] - self._started[self._last[at]])
        held *= 1 + x[:, None] * self._stakes
        self._capital[at], self._last[at] = held, t
        up = at[x > 0]  # else it falls
        if up.size:
            reached = self.e_value(up) >= self._thresholds[:, None]
            fresh = reached & (self.stopped[:, up] == NEVER)
            self.stopped[:, up] = np.where(fresh, t, self.stopped[:, up])

    def e_value(self, at: Ints) -> Floats:
        """Of these runs, now."""
        t = self.session
        held = self._capital[at] + (self._started[t] - self._started[self._last[at]])
        value: Floats = held @ np.exp(t * self._log_even) + LATE / 2 / (LATE + t)
        return value


class Constant:
    """Bets that all start at the first session: side 1 that the slip exceeds a margin, side -1 that it is below.

    Capital is kept against a slip of `near`, so that it neither overflows nor vanishes against slips near it.
    """

    def __init__(self, runs: int, staked: Sequence[float], side: int, near: float) -> None:
        self.session = 0
        self._stakes = side * np.array(staked)
        self._log_even = -np.log1p(self._stakes * near)
        self._even = np.exp(self._log_even)
        self._capital = np.tile(np.array(SHARES), (runs, 1))

    def fold(self, row: X) -> None:
        """The next session of every run."""
        self.session += 1
        self._capital *= self._even
        at = np.flatnonzero(row)
        self._capital[at] *= 1 + row[at, None] * self._stakes

    def e_value(self, slip: float) -> Floats:
        """Of every run, now, against a slip of this size."""
        value: Floats = self._capital @ np.exp(-self.session * (np.log1p(self._stakes * slip) + self._log_even))
        return value


class LateSlip:
    """The Shiryaev-Roberts sums of several guardrails of one weight and margin; `x` is runs by guardrails."""

    def __init__(self, runs: int, guardrails: int, margin: float) -> None:
        self._stakes = np.array(stakes(margin))
        self._even = 1 / (1 + self._stakes * margin)
        self._starting = np.array(SHARES) / guardrails
        self._sums = np.zeros((runs, guardrails, len(SHARES)))

    def fold(self, x: X) -> Floats:
        """One session that counts for every guardrail; each run's value after it."""
        self._sums += self._starting
        self._sums *= self._even
        run, guardrail = np.nonzero(x)
        self._sums[run, guardrail] *= 1 + x[run, guardrail, None] * self._stakes
        value: Floats = self._sums.sum(axis=(1, 2))
        return value

    @property
    def runs(self) -> int:
        """How many there are."""
        return len(self._sums)

    def keep(self, runs: npt.NDArray[np.bool_]) -> None:
        """Leave out the other runs from now on."""
        self._sums = self._sums[runs]
