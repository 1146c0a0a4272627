"""Folds reports into counts: the 2x2 tables of every variable, and the sessions of every guardrail. Pure.

Each session gives a guardrail one observation, that of its first applicable turn. Later turns are in the 2x2 tables
only: how many there are depends on the answers, so counting them would make equal arms look unequal.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from analyzers.finding import Finding, Outcome
from proxy.control.guardrails import guardrail_of
from proxy.report import Analysis, Report

SESSION_KEYS = 100_000
"""Most session keys remembered per guardrail; the longest unseen is forgotten first, and would count again."""

NOT_APPLICABLE = (Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE)
CELLS = tuple((b, c) for b in (Outcome.FAIL, Outcome.PASS) for c in (Outcome.FAIL, Outcome.PASS))
"""(baseline, candidate), in the order in which they are shown."""


@dataclass(slots=True)
class Table:
    """The 2x2 table of one variable over all scored turns, and the pairs it did not apply to."""

    cells: Counter[tuple[Outcome, Outcome]] = field(default_factory=Counter)

    @property
    def scored(self) -> int:
        """Pairs with a finding."""
        return sum(self.cells[cell] for cell in CELLS)

    @property
    def baseline_rate(self) -> float | None:
        """Share of scored pairs that the baseline failed; None without any."""
        return self._share(lambda cell: cell[0] is Outcome.FAIL)

    @property
    def candidate_rate(self) -> float | None:
        """Share of scored pairs that the candidate failed; None without any."""
        return self._share(lambda cell: cell[1] is Outcome.FAIL)

    def _share(self, failed: Callable[[tuple[Outcome, Outcome]], bool]) -> float | None:
        return sum(self.cells[cell] for cell in CELLS if failed(cell)) / self.scored if self.scored else None


@dataclass(slots=True)
class Sessions:
    """One guardrail's observations: F of each arm on the first applicable turn of each session."""

    count: int = 0
    baseline_failed: float = 0.0
    candidate_failed: float = 0.0
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def observe(self, session: str, finding: Finding) -> bool:
        """Count the finding if it is its session's first; whether it was."""
        if session in self._seen:
            self._seen.move_to_end(session)
            return False
        self._seen[session] = None
        if len(self._seen) > SESSION_KEYS:
            self._seen.popitem(last=False)
        self.count += 1
        self.baseline_failed += finding.baseline.failed
        self.candidate_failed += finding.candidate.failed
        return True

    @property
    def baseline_rate(self) -> float | None:
        """Mean F of the baseline; None without sessions."""
        return self.baseline_failed / self.count if self.count else None

    @property
    def candidate_rate(self) -> float | None:
        """Mean F of the candidate; None without sessions."""
        return self.candidate_failed / self.count if self.count else None

    @property
    def slip(self) -> float | None:
        """Mean of X = F(candidate) - F(baseline); None without sessions."""
        return (self.candidate_failed - self.baseline_failed) / self.count if self.count else None


class Tables:
    """All counts of one deployment. `variables` are those of each enabled analyzer, by its name."""

    def __init__(self, variables: Mapping[str, Iterable[str]], guardrails: Iterable[str]) -> None:
        self._variables = {analyzer: tuple(names) for analyzer, names in variables.items()}
        self.findings = {name: Table() for names in self._variables.values() for name in names}
        self.guardrails = {name: Sessions() for name in guardrails}
        self.analyses: dict[str, Counter[Analysis]] = {analyzer: Counter() for analyzer in self._variables}
        self.reports = 0

    def fold(self, report: Report) -> tuple[str, ...]:
        """Count one pair. Returns the guardrails that gained a session by it."""
        self.reports += 1
        for analyzer, state in report.analyses.items():
            if analyzer in self.analyses:
                self.analyses[analyzer][state] += 1
        for variable, cell in self.cells(report):
            self.findings[variable].cells[cell] += 1
        gained = []
        for finding in report.findings:
            name = guardrail_of(finding.variable)
            if name in self.guardrails and self.guardrails[name].observe(report.session, finding):
                gained.append(name)
        return tuple(gained)

    def cells(self, report: Report) -> Iterator[tuple[str, tuple[Outcome, Outcome]]]:
        """The cell of each variable that this pair falls into, not-applicables included.

        An analyzer with several populations scores a pair under one of them; the others did not apply.
        Killed and dropped analyses fall into no cell.
        """
        scored = {f.variable: (f.baseline.outcome, f.candidate.outcome) for f in report.findings}
        for analyzer, variables in self._variables.items():
            if report.analyses.get(analyzer) in {Analysis.SCORED, Analysis.NOT_APPLICABLE}:
                for variable in variables:
                    yield variable, scored.get(variable, NOT_APPLICABLE)
