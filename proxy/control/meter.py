"""Writes what control knows into the metrics.

Every series whose labels come from a closed set exists from the start, at 0, so that `rate()` sees the first event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from proxy.control.tables import CELLS, NOT_APPLICABLE, Tables
from proxy.control.verdict import Judgement, Stage, State
from proxy.report import Analysis, ArmReport, Report
from proxy.telemetry import Telemetry

DROPPED = ("pairs", "bytes", "shutdown", "channel")
"""Why a pair or its report may be dropped behind the gateway."""

ARMS = ("baseline", "candidate")
ALL = "all"
"""The segment that holds every session."""


class Meter:
    """One deployment's metrics as far as control owns them."""

    def __init__(self, telemetry: Telemetry, tables: Tables, version: str) -> None:
        self._telemetry = t = telemetry
        self._tables = tables
        self._refused = dict.fromkeys(DROPPED, 0)
        for variable, (baseline, candidate) in product(tables.findings, (*CELLS, NOT_APPLICABLE)):
            t.findings.labels(variable, baseline, candidate)
        for analyzer, state in product(tables.analyses, Analysis):
            t.analyses.labels(analyzer, state)
            t.analyzer_duration.labels(analyzer)
        for arm, purpose in (("baseline", "mirror"), ("candidate", "mirror"), ("baseline", "repeat")):
            t.extra_tokens.labels(arm, purpose)
        for arm, leg in (*product(ARMS, ("primary", "mirror")), ("baseline", "repeat")):
            t.first_token.labels(arm, leg)
            t.token_gap.observe((arm, leg))
        for reason in DROPPED:
            t.queue_dropped.labels(reason)
        for guardrail in tables.guardrails:
            t.sessions.labels(guardrail)
        t.build.info({"version": version})

    def fold(self, report: Report, gained: Iterable[str]) -> None:
        """Count one pair; `gained` are the guardrails it gave a session."""
        t = self._telemetry
        for variable, (baseline, candidate) in self._tables.cells(report):
            t.findings.labels(variable, baseline, candidate).inc()
        for analyzer, state in report.analyses.items():
            if analyzer in self._tables.analyses:
                t.analyses.labels(analyzer, state).inc()
        for analyzer, seconds in report.seconds.items():
            if analyzer in self._tables.analyses:
                t.analyzer_duration.labels(analyzer).observe(seconds)
        for guardrail in gained:
            t.sessions.labels(guardrail).inc()
        for arm, told in (("baseline", report.baseline), ("candidate", report.candidate)):
            leg = "primary" if report.primary == arm else "mirror"
            self._times(arm, leg, told)
            if leg == "mirror":
                self._spent(arm, leg, told)
        if report.repeat is not None:
            self._times("baseline", "repeat", report.repeat)
            self._spent("baseline", "repeat", report.repeat)

    def refused(self, refused: Mapping[str, int]) -> None:
        """Add the pairs of which no report tells, by reason and so far, to those that were dropped."""
        for reason, count in refused.items():
            more = count - self._refused[reason]
            self._refused[reason] = count
            self._telemetry.queue_dropped.labels(reason).inc(more)
            for analyzer in self._tables.analyses:
                self._telemetry.analyses.labels(analyzer, Analysis.DROPPED).inc(more)

    def show(self, judgements: Iterable[Judgement], stage: Stage, candidate_weight: float) -> None:
        """Bring the verdict, slip and stage series up to date."""
        t = self._telemetry
        for judgement in judgements:
            for state in State:
                t.verdict.labels(judgement.name, state).set(judgement.state is state)
            bounds = {"estimate": judgement.slip, "lower": judgement.lower, "upper": judgement.upper}
            for bound, value in bounds.items():
                # Absent until it is known: a made-up 0 would read as "no slip".
                if value is not None:
                    t.slip.labels(judgement.name, ALL, bound).set(value)
        for each in Stage:
            t.stage.labels(each).set(each is stage)
        t.candidate_weight.set(candidate_weight)

    def _times(self, arm: str, leg: str, told: ArmReport) -> None:
        if told.first_token is not None:
            self._telemetry.first_token.labels(arm, leg).observe(told.first_token)
        self._telemetry.token_gap.observe((arm, leg), told.gaps)

    def _spent(self, arm: str, purpose: str, told: ArmReport) -> None:
        tokens = told.usage.prompt_tokens + told.usage.completion_tokens
        self._telemetry.extra_tokens.labels(arm, purpose).inc(tokens)
