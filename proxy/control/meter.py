"""Shows what control knows in the metrics, when they are read: pairs arrive far more often.

Every series whose labels come from a closed set exists from the start, at 0, so that `rate()` sees the first event.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy.control.tables import CELLS, NOT_APPLICABLE, Tables
from proxy.control.verdict import Judgement, Stage, State
from proxy.report import Analysis
from proxy.telemetry import Telemetry

ALL = "all"
"""The segment that holds every session."""


class Meter:
    """One deployment's metrics as far as control owns them."""

    def __init__(self, telemetry: Telemetry, tables: Tables, version: str) -> None:
        self._telemetry = telemetry
        self._tables = tables
        telemetry.build.info({"version": version})
        self._show_tables()

    def show(self, judgements: Iterable[Judgement], stage: Stage, candidate_weight: float) -> None:
        """Bring every series up to date."""
        self._show_tables()
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

    def _show_tables(self) -> None:
        t, tables = self._telemetry, self._tables
        for variable, table in tables.findings.items():
            for cell in (*CELLS, NOT_APPLICABLE):
                t.findings.labels(variable, *cell).set(table.cells[cell])
        # Of a pair that was dropped whole no report tells, in whichever process it was.
        untold = sum(count for (count,) in t.queue_dropped.totals().values())
        for analyzer, states in tables.analyses.items():
            for state in Analysis:
                more = untold if state is Analysis.DROPPED else 0
                t.analyses.labels(analyzer, state).set(states[state] + more)
        for analyzer, taken in tables.durations.items():
            t.analyzer_duration.labels(analyzer).set(taken.counts, taken.total)
        for guardrail, sessions in tables.guardrails.items():
            t.sessions.labels(guardrail).set(sessions.count)
        for (arm, leg), told in tables.legs.items():
            t.first_token.labels(arm, leg).set(told.first_token.counts, told.first_token.total)
            t.token_gap.labels(arm, leg).set(told.gaps.counts, told.gaps.total)
