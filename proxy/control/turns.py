"""What a report says of each guardrail. One guardrail may hold several variables, and several may hold one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from analyzers.finding import Finding
from analyzers.served import RATE_LIMITED
from proxy.config import Guardrail
from proxy.report import NONE, PASSED_OVER, Analysis, Report
from verdict.guardrails import guardrail_of
from verdict.sessions import ARMS, Measured, Turn

KNOWN = 4_096
"""Most outcomes of which it is remembered what they say."""


class _Said(NamedTuple):
    measured: Mapping[str, Measured]
    spoilt: tuple[str, ...]
    held: tuple[Any, ...]
    """What it was made of, so that its ids stay its own."""


class Turns:
    """Reads reports. `variables` are those of each enabled analyzer, by its name."""

    def __init__(self, guardrails: Mapping[str, Guardrail], variables: Mapping[str, Iterable[str]]) -> None:
        self._guardrails = tuple(guardrails)
        self._feeds: dict[str, list[tuple[str, str | None]]] = {}
        """By variable: each guardrail that it counts for, and in which segment."""
        for name, about in guardrails.items():
            for variable in (each for names in variables.values() for each in names):
                if guardrail_of(variable) == (about.of or name):
                    self._feeds.setdefault(variable, []).append((name, about.segment))
        self._fed = {
            analyzer: tuple(name for variable in names for name, _ in self._feeds.get(variable, ()))
            for analyzer, names in variables.items()
        }
        self._segmented = any(about.segment is not None for about in guardrails.values())
        self._known: dict[tuple[Any, ...], _Said] = {}

    def of(self, report: Report) -> Turn:
        """The turn that the report tells of."""
        primary = report.primary if report.primary in ARMS else ARMS[0]
        if report.state == PASSED_OVER:
            about = (report.session, report.arrival, primary)
            return Turn(*about, NONE, self._guardrails, report.inclusion, report.segments)
        # The same few outcomes come again and again, and mostly as the same objects: see `workers.answers`.
        parts = (report.analyses, report.findings, report.missing)
        key = (*map(id, parts), report.segments if self._segmented else ())
        said = self._known.get(key)
        if said is None:
            said = _Said(dict(self._measured(report)), self._spoilt(report), parts)
            if len(self._known) >= KNOWN:
                self._known.clear()
            self._known[key] = said
        return Turn(
            report.session,
            report.arrival,
            primary,
            said.measured,
            said.spoilt,
            report.inclusion,
            report.segments,
            report.client,
        )

    def _measured(self, report: Report) -> Iterator[tuple[str, Measured]]:
        found = set[str]()
        for finding in report.findings:
            measured = _measured_by(finding)
            for guardrail in self._fed_by(finding.variable, report.segments, found):
                yield guardrail, measured
        for missing in report.missing:
            for guardrail in self._fed_by(missing.variable, report.segments, found):
                yield guardrail, Measured(missing.low, missing.high)

    def _fed_by(self, variable: str, segments: tuple[str, ...], found: set[str]) -> Iterator[str]:
        """The guardrails that the variable counts for here; of two variables in one turn the first counts."""
        for guardrail, segment in self._feeds.get(variable, ()):
            if guardrail not in found and (segment is None or segment in segments):
                found.add(guardrail)
                yield guardrail

    def _spoilt(self, report: Report) -> tuple[str, ...]:
        """Guardrails whose analyzers were never asked, for want of room: the turn was their first all the same."""
        return tuple(
            guardrail
            for analyzer, state in report.analyses.items()
            if state is Analysis.DROPPED
            for guardrail in self._fed.get(analyzer, ())
        )


def _measured_by(finding: Finding) -> Measured:
    """What a finding says of X. A 429 of one arm alone leaves open what that arm would have answered.

    It may be a limit on this client's own key: the primary carries that, and the mirror the arm's. So X is at least
    as it would be were the 429 the arm's fault on the baseline alone, and at most where it is the candidate's.
    """
    b, c, again = finding.baseline.failed, finding.candidate.failed, finding.repeat
    of_baseline, of_candidate = (each.label == RATE_LIMITED for each in (finding.baseline, finding.candidate))
    if of_baseline != of_candidate:
        return Measured((0.0 if of_candidate else c) - b, c - (0.0 if of_baseline else b))
    told = again is not None and (again.label == RATE_LIMITED) == of_baseline
    return Measured(c - b, c - b, b, c, again.failed if again is not None and told else None)
