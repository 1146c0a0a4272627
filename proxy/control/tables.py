"""Folds reports into counts: the 2x2 table of every variable, sessions of every guardrail, and times. Pure.

Each session gives a guardrail one observation, that of its first applicable turn. Later turns are in the 2x2 tables
only: how many there are depends on the answers, so counting them would make equal arms look unequal.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from analyzers.finding import Finding, Outcome
from proxy.control.guardrails import guardrail_of
from proxy.control.legs import LEGS, Bins, Leg
from proxy.report import Analysis, Report

SESSION_KEYS = 100_000
"""Most session keys remembered; the longest unseen is forgotten first, and would count again."""
PLACES = 4_096
"""Most outcomes of which it is remembered where they count."""

DURATION_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)
"""Upper bounds, in seconds, by which the times of analyzers are counted."""
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

    def observe(self, finding: Finding) -> None:
        """Count one session by its first applicable turn."""
        self.count += 1
        self.baseline_failed += finding.baseline.failed
        self.candidate_failed += finding.candidate.failed

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


class _Places(NamedTuple):
    """Where pairs count that have the same analyses and findings."""

    analyses: Mapping[str, Analysis]
    findings: tuple[Finding, ...]
    counts: tuple[tuple[Counter[Any], object], ...]
    turns: tuple[tuple[int, Sessions, Finding], ...]
    """A guardrail's bit, its sessions, and the finding that it goes by."""
    guardrails: int
    """All of these bits."""


class Tables:
    """All counts of one deployment. `variables` are those of each enabled analyzer, by its name."""

    def __init__(self, variables: Mapping[str, Iterable[str]], guardrails: Iterable[str]) -> None:
        self._variables = {analyzer: tuple(names) for analyzer, names in variables.items()}
        self.findings = {name: Table() for names in self._variables.values() for name in names}
        self.guardrails = {name: Sessions() for name in guardrails}
        self.analyses: dict[str, Counter[Analysis]] = {analyzer: Counter() for analyzer in self._variables}
        self.durations = {analyzer: Bins(DURATION_BUCKETS) for analyzer in self._variables}
        self.legs = {name: Leg() for name in LEGS}
        """By arm and leg."""
        self.reports = 0
        self._bits = {name: 1 << place for place, name in enumerate(self.guardrails)}
        self._seen: OrderedDict[str, int] = OrderedDict()
        """The guardrails, by their bits, that have counted a session."""
        self._places: dict[tuple[int, int], _Places] = {}

    def fold(self, report: Report) -> None:
        """Count one pair. What no analyzer and no guardrail here knows is left alone."""
        self.reports += 1
        # The same few outcomes come again and again, and mostly as the same objects: see `workers.answers`.
        places = self._places.get((id(report.analyses), id(report.findings))) or self._find(report)
        for counter, cell in places.counts:
            counter[cell] += 1
        if places.guardrails:
            self._observe(report.session, places)
        for analyzer, seconds in report.seconds.items():
            if analyzer in self.durations:
                self.durations[analyzer].observe(seconds)
        shadow = report.primary == "baseline"
        self.legs["baseline", "primary" if shadow else "mirror"].add(report.baseline)
        self.legs["candidate", "mirror" if shadow else "primary"].add(report.candidate)
        if report.repeat is not None:
            self.legs["baseline", "repeat"].add(report.repeat)

    def _observe(self, session: str, places: _Places) -> None:
        counted = self._seen.pop(session, 0)
        self._seen[session] = counted | places.guardrails
        if len(self._seen) > SESSION_KEYS:
            self._seen.popitem(last=False)
        if places.guardrails & ~counted:
            for bit, sessions, finding in places.turns:
                if not counted & bit:
                    sessions.observe(finding)

    def _find(self, report: Report) -> _Places:
        counts: list[tuple[Counter[Any], object]] = [
            (self.analyses[analyzer], state)
            for analyzer, state in report.analyses.items()
            if analyzer in self.analyses
        ]
        counts += [(self.findings[variable].cells, cell) for variable, cell in self._cells(report)]
        turns: dict[str, tuple[int, Sessions, Finding]] = {}
        for finding in report.findings:
            name = guardrail_of(finding.variable)
            if name in self.guardrails:
                turns.setdefault(name, (self._bits[name], self.guardrails[name], finding))
        bits = sum(bit for bit, *_ in turns.values())
        places = _Places(report.analyses, report.findings, tuple(counts), tuple(turns.values()), bits)
        if len(self._places) >= PLACES:
            self._places.clear()
        self._places[id(report.analyses), id(report.findings)] = places  # which holds them, so the ids stay theirs
        return places

    def _cells(self, report: Report) -> Iterator[tuple[str, tuple[Outcome, Outcome]]]:
        """The cell of each variable that this pair falls into, not-applicables included.

        An analyzer with several populations scores a pair under one of them; the others did not apply.
        Killed and dropped analyses fall into no cell.
        """
        scored = {f.variable: (f.baseline.outcome, f.candidate.outcome) for f in report.findings}
        for analyzer, variables in self._variables.items():
            if report.analyses.get(analyzer) in {Analysis.SCORED, Analysis.NOT_APPLICABLE}:
                for variable in variables:
                    yield variable, scored.get(variable, NOT_APPLICABLE)
