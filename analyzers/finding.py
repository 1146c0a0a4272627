"""What an analyzer says of one pair, and the contract every analyzer keeps.

The rule that keeps the error rate true: the failure F(request, answer) is one function for both arms, and who is in
the population depends on the request alone. Then X = F(candidate) - F(baseline) has mean zero when the arms are
equal, at any temperature. `PerAnswer` makes the rule structural: its two methods cannot see which arm they judge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
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
class Measurement:
    """What an analyzer that only explains says of one pair: how far its answers lie apart. Holds no text.

    It ranks pairs and decides nothing: a distance has no sign, so equal arms would not make it zero.
    """

    analyzer: str
    version: str
    figures: tuple[float, ...]
    """Finite numbers, in the order of the analyzer's `figures`, each with its unit there."""
    noise: tuple[float, ...] = ()
    """The same between baseline and repeat, where one was drawn: what two answers of one model differ by."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A pair that cannot be judged, and why: one of the analyzer's `labels`.

    Not for an analyzer whose failures count for a guardrail: its population is decided by `applies` alone.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Probe:
    """One further request, to one arm. Its `model` is set to the arm's name for it, and it is never streamed."""

    arm: str
    """"baseline" or "candidate"."""
    path: str
    body: Mapping[str, Any]
    """Names the client's model as `model`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An arm's answer to a `Probe`: 2xx, or a 4xx that says that the arm does not do this."""

    status: int
    body: Mapping[str, Any]
    """The JSON object; empty where it is none."""

    @property
    def good(self) -> bool:
        """Whether the arm did what it was asked for."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Need:
    """Further requests an analyzer asks for before it can score; made within budget by `proxy.probes`."""

    probes: tuple[Probe, ...]


Result = Finding | Measurement | NotApplicable | Need


class Analyzer(Protocol):
    """The one contract. Deterministic, stateless, no I/O; runs in a worker that is killed when it overruns."""

    name: ClassVar[str]
    version: ClassVar[str]
    variables: ClassVar[tuple[str, ...]]
    """The names findings are counted under, fixed since they become metric labels; empty where it only measures."""
    figures: ClassVar[tuple[str, ...]]
    """The names of a measurement's figures; empty where it makes findings."""
    labels: ClassVar[frozenset[str]]
    """Every label a score may carry, and every reason not to apply."""
    scores_unserved: ClassVar[bool]
    """True where an arm's missing answer is itself what is scored."""

    def prepare(self) -> None:
        """Load what is heavy, once, in the process that scores: others make an analyzer to know its words."""
        ...

    def applies(self, pair: Pair) -> bool:
        """Whether the pair is in the population; decided from `pair.request` alone."""
        ...

    def score(self, pair: Pair, replies: tuple[Reply, ...] = ()) -> Result:
        """Judge a pair that applies. `replies` answer what it needed before, at most twice, in that order."""
        ...


class PerAnswer(ABC):
    """An analyzer that judges each answer by itself. Subclasses give `variable` and `failure`."""

    name: ClassVar[str]
    version: ClassVar[str]
    variables: ClassVar[tuple[str, ...]]
    figures: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[frozenset[str]]
    scores_unserved: ClassVar[bool] = False

    def prepare(self) -> None:
        """See `Analyzer.prepare`; mostly there is nothing to load."""
        return

    @abstractmethod
    def variable(self, request: Request) -> str | None:
        """The variable this request is measured under, or None where it is outside every population."""

    @abstractmethod
    def failure(self, request: Request, answer: Exchange) -> Score:
        """F(request, answer), the same for both arms."""

    def condemns(self, request: Request, cut: Exchange) -> bool:
        """Whether an answer that outgrew what may be captured fails by what there is of it, the same for both arms.

        Else nothing is known of it; so it is where an analyzer does not say otherwise.
        """
        return False

    def applies(self, pair: Pair) -> bool:
        """See `Analyzer.applies`."""
        return self.variable(pair.request) is not None

    def score(self, pair: Pair, replies: tuple[Reply, ...] = ()) -> Finding:
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
