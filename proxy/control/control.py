"""Control: what has been seen so far, what may be said of it, and the stage. One object per deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from analyzers import registry
from proxy.config import Config
from proxy.control.meter import Meter
from proxy.control.tables import CELLS, Tables
from proxy.control.verdict import Judgement, Stage, judge_all, overall
from proxy.report import Report
from proxy.telemetry import Telemetry


class LedgerView(Protocol):
    """What control reads of the gateway's ledger."""

    @property
    def total(self) -> int:
        """Eligible requests so far, open ones included."""
        ...

    def states(self) -> Mapping[str, int]:
        """Requests by ledger state, and `open` for those that have none yet."""
        ...


class Control:
    """Receives reports, and answers the admin port. Synchronous and without I/O."""

    def __init__(self, config: Config, telemetry: Telemetry, ledger: LedgerView, version: str) -> None:
        self.telemetry = telemetry
        self.version = version
        self.weigh(config.canary.weight)
        self._revision = config.candidate.revision
        self._ledger = ledger
        analyzers = registry.load(config.analysis.enabled)
        variables = {analyzer.name: analyzer.variables for analyzer in analyzers}
        self._margins = {name: guardrail.margin for name, guardrail in config.guardrails.items()}
        self.tables = Tables(variables, self._margins)
        self._meter = Meter(telemetry, self.tables, version)

    def weigh(self, weight: float) -> None:
        """The candidate answers this share of sessions from now on."""
        self.candidate_weight = weight
        self.stage = Stage.CANARY if weight else Stage.SHADOW

    def receive(self, report: Report) -> None:
        """Fold one pair into the tables."""
        self.tables.fold(report)

    def judgements(self) -> tuple[Judgement, ...]:
        """Every guardrail's verdict as of now."""
        return judge_all(self.tables.guardrails, self._margins)

    def verdict(self) -> dict[str, Any]:
        """The object of `GET /verdict`; its fields are stable."""
        judgements = self.judgements()
        return {
            "verdict": str(overall(judgements)),
            "stage": str(self.stage),
            "guardrails": [judgement.row() for judgement in judgements],
        }

    def findings(self) -> dict[str, dict[str, int]]:
        """The 2x2 table of every variable, baseline first: `fail_pass` is baseline failed, candidate passed."""
        return {
            variable: {f"{baseline}_{candidate}": table.cells[baseline, candidate] for baseline, candidate in CELLS}
            for variable, table in self.tables.findings.items()
        }

    def ledger(self) -> dict[str, Any]:
        """The object of `GET /ledger`: the states, what is still open, and whether they sum to the total."""
        before, states, after = self._ledger.total, dict(self._ledger.states()), self._ledger.total
        total, still_open = sum(states.values()), states.pop("open")
        balanced = before <= total <= after and still_open >= 0  # other processes count meanwhile
        return {"states": states, "open": still_open, "total": total, "balanced": balanced}

    def stage_now(self) -> dict[str, Any]:
        """The object of `GET /stage`."""
        return {
            "stage": str(self.stage),
            "candidate_weight": self.candidate_weight,
            "candidate_revision": self._revision,
        }

    def refresh(self) -> None:
        """Bring the metrics up to date. Done when they are read: pairs arrive far more often."""
        self._meter.show(self.judgements(), self.stage, self.candidate_weight)
