"""A/A: whether a second answer of the baseline differs from its first as chance has it. Pure.

Where it does not, something other than the model makes answers unlike: a cache, a batch, a mirror that is not sent
the same bytes. Then no slip can be trusted, and promotion waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

from verdict.harm import Harm


def contrast(to_candidate: float, to_repeat: float) -> float:
    """A difference without a sign, as a slip: d(baseline, candidate) - d(baseline, repeat), in [-1, 1].

    Two answers of one model differ, too. Where the candidate is the baseline, its answer and the repeat are
    exchangeable, so the mean is 0, and `Evidence` may judge it as it judges a slip. Raises ValueError where a
    difference is not in [0, 1].
    """
    if not (0 <= to_candidate <= 1 and 0 <= to_repeat <= 1):
        raise ValueError(f"found differences {to_candidate} and {to_repeat}, should be from 0 to 1")
    return to_candidate - to_repeat


class Repeat:
    """Evidence that F(repeat) - F(baseline) has a mean other than 0, in either direction.

    Half of the capital is bet on each: the average of two e-processes is one (Vovk & Wang, arXiv 1912.06116,
    section 3: the arithmetic mean). `alpha` is the probability of ever alarming where there is no difference.
    """

    __slots__ = ("_less", "_more", "_noise", "alarm", "alpha", "sessions")

    def __init__(self, alpha: float) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"found an alpha of {alpha}, should be between 0 and 1")
        self.alpha = alpha
        self.sessions = 0
        self.alarm = False
        """Latched."""
        self._noise = 0.0
        self._more, self._less = Harm(0.0), Harm(0.0)

    def observe(self, x: float, discount: float = 1.0) -> None:
        """Fold one repeated session in order of arrival: X = F(repeat) - F(baseline). Raises ValueError."""
        if not (-1 <= x <= 1 and 0 < discount <= 1):
            raise ValueError(f"found X {x} at discount {discount}")
        self.sessions += 1
        self._noise += abs(x)
        if not self.alarm:
            self._more.observe(x, discount)
            self._less.observe(-x, discount)
            self.alarm = self.e_value * self.alpha >= 1

    @property
    def e_value(self) -> float:
        """The capital now, of 1 at the beginning; that of the deciding session after an alarm."""
        return (self._more.e_value + self._less.e_value) / 2

    @property
    def log_e(self) -> float:
        """Its natural logarithm."""
        return log(self.e_value)

    @property
    def noise(self) -> float | None:
        """Share of sessions in which the baseline's two answers are judged differently; None without any."""
        return self._noise / self.sessions if self.sessions else None

    def dump(self) -> dict[str, Any]:
        """All of it, as JSON takes it; `load` goes on as if it had never stopped."""
        return {
            "alpha": self.alpha,
            "sessions": self.sessions,
            "alarm": self.alarm,
            "noise": self._noise,
            "more": self._more.dump(),
            "less": self._less.dump(),
        }

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> Repeat:
        """The evidence of which `dump` told."""
        repeat = cls(dumped["alpha"])
        repeat.sessions, repeat.alarm, repeat._noise = dumped["sessions"], dumped["alarm"], dumped["noise"]
        repeat._more, repeat._less = Harm(0.0, **dumped["more"]), Harm(0.0, **dumped["less"])
        return repeat
