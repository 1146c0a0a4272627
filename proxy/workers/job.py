"""What is left to do of one pair: bookkeeping that ends in one report with every analyzer in it once."""

from __future__ import annotations

from analyzers.finding import Finding
from analyzers.pair import CapturedPair
from proxy.report import Analysis, ArmReport, Report
from proxy.workers.wire import Result


def size(pair: CapturedPair) -> int:
    """Bytes that a waiting pair holds on to."""
    captures = (pair.baseline, pair.candidate, pair.repeat)
    return len(pair.body) + sum(len(capture.body) for capture in captures if capture is not None)


class Job:
    """One submitted pair, until it is reported."""

    def __init__(self, pair: CapturedPair, state: str, analyzers: tuple[str, ...]) -> None:
        self.pair = pair
        self.state = state
        self.size = size(pair)
        self.pending = analyzers
        """Analyzers without an outcome yet, in the order they run."""
        self._analyses: dict[str, Analysis] = {}
        self._result: Result | None = None

    def take(self, result: Result) -> None:
        """A child answered: nothing is pending any more."""
        self._result = result
        self._analyses.update({name: outcome.analysis for name, outcome in result.outcomes.items()})
        self.pending = ()

    def lose(self, analyzer: str) -> None:
        """A child was lost while it ran `analyzer`; the others are still to do."""
        self._analyses[analyzer] = Analysis.KILLED
        self.pending = tuple(name for name in self.pending if name != analyzer)

    def give_up(self, analysis: Analysis) -> None:
        """Every analyzer still pending ends as `analysis`."""
        self._analyses.update(dict.fromkeys(self.pending, analysis))
        self.pending = ()

    def report(self) -> Report:
        """The one report; only when nothing is pending."""
        findings: tuple[Finding, ...] = ()
        seconds: dict[str, float] = {}
        arms: tuple[ArmReport, ArmReport, ArmReport | None] = (ArmReport(), ArmReport(), None)
        if self._result is not None:
            outcomes = self._result.outcomes
            findings = tuple(o.finding for o in outcomes.values() if o.finding is not None)
            seconds = {n: o.seconds for n, o in outcomes.items() if o.analysis is Analysis.SCORED}
            arms = (self._result.baseline, self._result.candidate, self._result.repeat)
        return Report(
            pair_id=self.pair.pair_id,
            session=self.pair.session,
            inclusion=self.pair.inclusion,
            primary=self.pair.primary,
            state=self.state,
            analyses=dict(self._analyses),
            seconds=seconds,
            findings=findings,
            baseline=arms[0],
            candidate=arms[1],
            repeat=arms[2],
        )
