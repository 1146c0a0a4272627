"""What is left to do of one pair: bookkeeping that ends in one report with every analyzer in it once. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.pair import CapturedPair
from proxy.report import Analysis, Report
from proxy.workers.answers import Answer, GarbageError

MAX_BLAMELESS = 3
"""A pair for which this many children were lost, or failed to start, with no analyzer running is given up."""


def size(pair: CapturedPair) -> int:
    """Bytes that a waiting pair holds on to."""
    held = len(pair.body) + len(pair.baseline.body) + len(pair.candidate.body)
    return held if pair.repeat is None else held + len(pair.repeat.body)


class Job:
    """One submitted pair, until it is reported. `analyzers` are the names of all that are enabled."""

    __slots__ = ("_analyzers", "_answer", "_blameless", "_ended", "asked", "pair", "size", "state")

    def __init__(self, pair: CapturedPair, state: str, analyzers: Sequence[str]) -> None:
        self.pair = pair
        self.state = state
        self.size = size(pair)
        self.asked = (1 << len(analyzers)) - 1
        """Bit n is set while the n-th analyzer has no outcome yet."""
        self._analyzers = analyzers
        self._answer: Answer | None = None
        self._ended: dict[str, Analysis] = {}
        """Outcomes that no child told."""
        self._blameless = 0

    @property
    def failures(self) -> tuple[tuple[str, str], ...]:
        """What the child told of analyzers that came to nothing; see `Outcomes`."""
        return () if self._answer is None else self._answer[0].failures

    def take(self, answer: Answer) -> None:
        """A child answered: nothing is left to do. Raises GarbageError where it answers something else."""
        if answer[0].asked != self.asked:
            raise GarbageError("answers for other analyzers")
        self._answer = answer
        self.asked = 0

    def lose(self, stage: int) -> str | None:
        """A child was lost while it ran the analyzer at this place: its name; None where it was not to run."""
        if not self.asked >> stage & 1:
            return None
        name = self._analyzers[stage]
        self._ended[name] = Analysis.KILLED
        self.asked &= ~(1 << stage)
        return name

    @property
    def untouched(self) -> bool:
        """Whether no analyzer has an outcome."""
        return self._answer is None and not self._ended

    def lose_blameless(self) -> bool:
        """A child was lost, and no analyzer was running: whether that was once too often for this pair."""
        self._blameless += 1
        return self._blameless >= MAX_BLAMELESS

    def give_up(self, analysis: Analysis) -> None:
        """Every analyzer that has no outcome yet ends as `analysis`."""
        for stage, name in enumerate(self._analyzers):
            if self.asked >> stage & 1:
                self._ended[name] = analysis
        self.asked = 0

    def report(self) -> Report:
        """The one report; only when nothing is left to do."""
        pair, answer, ended = self.pair, self._answer, self._ended
        about = (pair.pair_id, pair.session, pair.inclusion, pair.primary, self.state)
        if answer is None:
            return Report(*about, analyses=ended, seconds={}, findings=())
        outcomes, seconds, baseline, candidate, repeat = answer
        return Report(
            *about,
            {**ended, **outcomes.analyses} if ended else outcomes.analyses,
            {name: seconds[place] for place, name in outcomes.timed},
            outcomes.findings,
            baseline,
            candidate,
            repeat,
        )
