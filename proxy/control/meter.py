"""Shows what control knows in the metrics, when they are read: pairs arrive far more often.

Every series whose labels come from a closed set exists from the start, at 0, so that `rate()` sees the first event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log, log10

from prometheus_client import Gauge

from proxy.control.tables import CELLS, NOT_APPLICABLE, Tables
from proxy.report import Analysis
from proxy.telemetry import Telemetry
from verdict.dossier import Dossier
from verdict.judge import Judgement, State
from verdict.rollout import Rollout, Stage

LEAST_LATE = 1e-3
"""The late-slip detector's sum is shown as no smaller than this: it begins at 0, which has no logarithm."""
ALL = "all"
"""The segment that holds every session."""
BOUNDS = ("estimate", "lower", "upper")
Slip = tuple[str, str, str]
"""Guardrail, segment, bound."""


class Meter:
    """One deployment's metrics as far as control owns them."""

    def __init__(self, telemetry: Telemetry, tables: Tables, guardrails: Iterable[str], version: str) -> None:
        self._telemetry = telemetry
        self._tables = tables
        self._slips: dict[Slip, Gauge] = {}
        """The slips that are shown: there are many, and to make one takes time."""
        telemetry.build.info({"version": version})
        telemetry.store_up.set(1)
        telemetry.slip.clear()  # those of a former term of this process
        for reason in (*guardrails, "operator", "alertmanager"):
            telemetry.rollbacks.labels(reason)
        self._show_tables()

    def rolled_back(self, reasons: Sequence[str]) -> None:
        """Count a rollback under the guardrails that failed, or who asked for it."""
        for reason in reasons:
            self._telemetry.rollbacks.labels(reason).inc()

    def show(self, judgements: Iterable[Judgement], told: State, rollout: Rollout, dossier: Dossier) -> None:
        """Bring every series up to date; `told` is what other controllers are told of the candidate."""
        self._show_tables()
        t = self._telemetry
        t.forecast.clear()
        slips = dict[Slip, Gauge]()
        for judgement in judgements:
            if judgement.forecast is not None:
                t.forecast.labels(judgement.name).set(judgement.forecast.sessions)
            for state in State:
                t.verdict.labels(judgement.name, state).set(judgement.state is state)
            self._show_slip(slips, judgement.name, ALL, (judgement.slip, judgement.lower, judgement.upper))
        for row in dossier.segments.rows(0):
            self._show_slip(slips, row.guardrail, row.segment, (row.slip, row.lower, row.upper))
        for labels in self._slips.keys() - slips.keys():  # those of former evidence
            t.slip.remove(*labels)
        self._slips = slips
        self._show_evidence(dossier)
        self._show_traffic(dossier)
        for each in State:
            t.candidate_verdict.labels(each).set(each is told)
        for stage in Stage:
            t.stage.labels(stage).set(stage is rollout.stage)
        t.candidate_weight.set(rollout.weight)
        t.rollout_held.set(rollout.held is not None)
        t.rollout_external.set(rollout.plan.external)
        t.identity_unsettled.set(rollout.unsettled)
        t.traffic_kept.set(rollout.guard is not None)

    def _show_slip(
        self, slips: dict[Slip, Gauge], guardrail: str, segment: str, values: tuple[float | None, ...]
    ) -> None:
        """Show what is known of BOUNDS, and note it in `slips`: a made-up 0 would read as "no slip"."""
        for bound, value in zip(BOUNDS, values, strict=True):
            if value is not None:
                labels = (guardrail, segment, bound)
                shown = slips[labels] = self._slips.get(labels) or self._telemetry.slip.labels(*labels)
                shown.set(value)

    def _show_evidence(self, dossier: Dossier) -> None:
        t = self._telemetry
        t.noise.clear()
        levels = dossier.terms.levels
        for name, evidence in dossier.evidence.items():
            repeat, late = dossier.repeats[name], dossier.late.values[name]
            logs = {
                "harm": evidence.harm_log_e / log(10),
                "safe": evidence.safe_log_e / log(10),
                "late": log10(max(late, LEAST_LATE)),
                "repeat": repeat.log_e / log(10),
            }
            needed = {
                "harm": -log10(evidence.alpha),
                "safe": -log10(levels.safe),
                "late": log10(levels.run_length),
                "repeat": -log10(repeat.alpha),
            }
            for kind, value in logs.items():
                t.evidence.labels(name, kind).set(value)
                t.evidence_threshold.labels(name, kind).set(needed[kind])
            t.margin.labels(name).set(evidence.margin)
            t.sessions.labels(name).set(evidence.sessions)
            t.missing.labels(name).set(evidence.sessions - evidence.known)
            if repeat.noise is not None:
                t.noise.labels(name).set(repeat.noise)
        for name, count in dossier.clients.uncounted().items():
            t.uncounted.labels(name).set(count)
        t.late_slip.set(dossier.late.alert)

    def _show_traffic(self, dossier: Dossier) -> None:
        t, sessions, coverage = self._telemetry, dossier.sessions, dossier.coverage
        t.later_slip.clear()
        for (name, history), tally in dossier.later.items():
            t.later_turns.labels(name, history).set(tally.count)
            if tally.slip is not None:
                t.later_slip.labels(name, history).set(tally.slip)
        t.largest_session.set(sessions.largest / sessions.turns if sessions.turns else 0.0)
        t.turns_waiting.set(sessions.waiting)
        t.coverage.clear()
        for segment, rate in coverage.rates().items():
            t.coverage.labels(segment).set(rate)
        t.promotion_blocked.set(bool(dossier.blocks()))

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
        for labels, figures in tables.figures.items():
            t.figures.labels(*labels).set(figures.counts, figures.total)
        for (arm, leg), told in tables.legs.items():
            t.first_token.labels(arm, leg).set(told.first_token.counts, told.first_token.total)
            t.token_gap.labels(arm, leg).set(told.gaps.counts, told.gaps.total)
