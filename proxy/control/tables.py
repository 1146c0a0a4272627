"""Folds reports into counts: the 2x2 table of every variable over all turns, and times. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from analyzers.finding import Finding, Measurement, Outcome
from proxy.control.legs import LEGS, Bins, Leg
from proxy.report import Analysis, Report

PLACES = 4_096
"""Most outcomes of which it is remembered where they count."""

DURATION_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)
"""Upper bounds, in seconds, by which the times of analyzers are counted."""
FIGURE_BUCKETS = (-10, -1, -0.1, -0.01, 0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
"""Upper bounds by which all figures are counted, whatever they measure."""
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


class _Places(NamedTuple):
    """Where pairs count that have the same analyses and findings."""

    analyses: Mapping[str, Analysis]
    findings: tuple[Finding, ...]
    counts: tuple[tuple[Counter[Any], object], ...]


class Tables:
    """All counts of one deployment. `variables` and `figures` are those of each enabled analyzer, by its name."""

    def __init__(
        self,
        variables: Mapping[str, Iterable[str]],
        figures: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self._variables = {analyzer: tuple(names) for analyzer, names in variables.items()}
        self.findings = {name: Table() for names in self._variables.values() for name in names}
        self.analyses: dict[str, Counter[Analysis]] = {analyzer: Counter() for analyzer in self._variables}
        self.durations = {analyzer: Bins(DURATION_BUCKETS) for analyzer in self._variables}
        self.figures = {
            (analyzer, figure, against): Bins(FIGURE_BUCKETS)
            for analyzer, names in figures.items()
            for against in ("candidate", "repeat")
            for figure in names
        }
        self.waiting = 0
        """Analyses of which a further report has still to come."""
        self._measured = dict(figures)
        self.legs = {name: Leg() for name in LEGS}
        """By arm and leg."""
        self.reports = 0
        self._places: dict[tuple[int, int], _Places] = {}

    def fold(self, report: Report) -> None:
        """Count one pair. What no analyzer here knows is left alone."""
        # The same few outcomes come again and again, and mostly as the same objects: see `workers.answers`.
        places = self._places.get((id(report.analyses), id(report.findings))) or self._find(report)
        for counter, cell in places.counts:
            counter[cell] += 1
        for measurement in report.measurements:
            self._measure(measurement)
        for analyzer, seconds in report.seconds.items():
            if analyzer in self.durations:
                self.durations[analyzer].observe(seconds)
        if report.further:
            self.waiting -= 1
            return
        self.reports += 1
        self.waiting += len(report.waiting)
        shadow = report.primary == "baseline"
        self.legs["baseline", "primary" if shadow else "mirror"].add(report.baseline)
        self.legs["candidate", "mirror" if shadow else "primary"].add(report.candidate)
        if report.repeat is not None:
            self.legs["baseline", "repeat"].add(report.repeat)

    def _measure(self, measurement: Measurement) -> None:
        names = self._measured.get(measurement.analyzer, ())
        for against, values in (("candidate", measurement.figures), ("repeat", measurement.noise)):
            for figure, value in zip(names, values, strict=False):
                self.figures[measurement.analyzer, figure, against].observe(value)

    def _find(self, report: Report) -> _Places:
        counts: list[tuple[Counter[Any], object]] = [
            (self.analyses[analyzer], state)
            for analyzer, state in report.analyses.items()
            if analyzer in self.analyses
        ]
        counts += [(self.findings[variable].cells, cell) for variable, cell in self._cells(report)]
        places = _Places(report.analyses, report.findings, tuple(counts))
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
