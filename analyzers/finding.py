"""What an analyzer says of one pair, and the contract every analyzer keeps.

The rule that keeps the error rate true: the failure F(request, answer) is one function for both arms, and who is in
the population depends on the request alone. Then X = F(candidate) - F(baseline) has mean zero when the arms are
equal, at any temperature. `PerAnswer` makes the rule structural: its two methods cannot see which arm they judge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from analyzers.pair import Exchange, Pair, Request


class Outcome(StrEnum):
    """One cell's coordinate in the 2x2 table of baseline and candidate."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Score:
    """F of one answer: 0 good, 1 failed; in between only as the mean over `n` choices."""

    failed: float
    label: str = "ok"
    """Why, from the analyzer's own bounded `labels`."""

    @property
    def outcome(self) -> Outcome:
        """FAIL where at least half of the choices failed."""
        return Outcome.FAIL if self.failed >= 0.5 else Outcome.PASS


GOOD = Score(0.0)


def mean(scores: Iterable[Score], otherwise: Score) -> Score:
    """The mean over `n` choices, labelled as the first that failed; `otherwise` where there are none."""
    every = tuple(scores)
    if not every:
        return otherwise
    worst = next((score for score in every if score.failed), every[0])
    return Score(sum(score.failed for score in every) / len(every), worst.label)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one analyzer says of one pair. Holds no text of a customer."""

    analyzer: str
    version: str
    variable: str
    """What was measured, e.g. "refusal.lost"; one of the analyzer's `variables`."""
    baseline: Score
    candidate: Score
    repeat: Score | None = None

    @property
    def slip(self) -> float:
        """X = F(candidate) - F(baseline), in [-1, 1]."""
        return self.candidate.failed - self.baseline.failed


@dataclass(frozen=True, slots=True)
class Need:
    """Further requests an analyzer asks for before it can score; made within budget by the proxy's probes."""

    arm: str
    requests: tuple[dict[str, Any], ...]


class Analyzer(Protocol):
    """The one contract. Deterministic, stateless, no I/O; runs in a worker that is killed when it overruns."""

    name: ClassVar[str]
    version: ClassVar[str]
    variables: ClassVar[tuple[str, ...]]
    """The names findings are counted under; fixed, since they become metric labels."""
    labels: ClassVar[frozenset[str]]
    """Every label a score may carry."""
    scores_unserved: ClassVar[bool]
    """True where an arm's missing answer is itself what is scored."""

    def applies(self, pair: Pair) -> bool:
        """Whether the pair is in the population; decided from `pair.request` alone."""
        ...

    def score(self, pair: Pair, answers: tuple[Exchange, ...] = ()) -> Finding | Need:
        """Judge a pair that applies; `answers` are those to an earlier `Need`, in its order."""
        ...


class PerAnswer(ABC):
    """An analyzer that judges each answer by itself. Subclasses give `variable` and `failure`."""

    name: ClassVar[str]
    version: ClassVar[str]
    variables: ClassVar[tuple[str, ...]]
    labels: ClassVar[frozenset[str]]
    scores_unserved: ClassVar[bool] = False

    @abstractmethod
    def variable(self, request: Request) -> str | None:
        """The variable this request is measured under, or None where it is outside every population."""

    @abstractmethod
    def failure(self, request: Request, answer: Exchange) -> Score:
        """F(request, answer), the same for both arms."""

    def applies(self, pair: Pair) -> bool:
        """See `Analyzer.applies`."""
        return self.variable(pair.request) is not None

    def score(self, pair: Pair, answers: tuple[Exchange, ...] = ()) -> Finding:
        """See `Analyzer.score`; never needs further requests."""
        variable = self.variable(pair.request)
        if variable is None:
            raise ValueError(f"{self.name} does not apply to this pair")
        return Finding(
            analyzer=self.name,
            version=self.version,
            variable=variable,
            baseline=self.failure(pair.request, pair.baseline),
            candidate=self.failure(pair.request, pair.candidate),
            repeat=None if pair.repeat is None else self.failure(pair.request, pair.repeat),
        )
