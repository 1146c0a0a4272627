"""Control: what has been seen so far, what may be said of it, and the stage. One object per deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import time_ns
from typing import Any, Protocol

import orjson

from analyzers import registry
from proxy.config import Config, Guardrail
from proxy.control.facts import breakers_open, facts_of, identity_of, plan_of, terms_of
from proxy.control.meter import Meter
from proxy.control.store import Batch
from proxy.control.tables import CELLS, Tables
from proxy.control.turns import Turns
from proxy.report import PAIRED, UNSENT, Analysis, Mark, Message, Report
from proxy.telemetry import Telemetry
from verdict.dossier import Dossier
from verdict.judge import Judgement, State, overall
from verdict.rollout import REVISION, Action, Change, Command, Facts, Plan, Rollout, Stage
from verdict.segments import MOST_BOUNDS

JUDGED_ANEW = 1
"""Guardrails judged anew at one look where nothing has failed: an interval takes half a millisecond to find."""
BOUNDS_ANEW = 3
"""Segments' intervals found in one slice."""


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
    """Receives reports, decides, and answers the admin port. Synchronous and without I/O.

    `salt` is that of the session hash; `clock` gives nanoseconds since 1970. `proxy.control.keeper` makes durable
    what is decided here.
    """

    def __init__(
        self,
        config: Config,
        telemetry: Telemetry,
        ledger: LedgerView,
        version: str,
        salt: str = "",
        *,
        clock: Callable[[], int] = time_ns,
    ) -> None:
        self.telemetry = telemetry
        self.version = version
        self.rollout = Rollout(plan_of(config))
        self.revision = config.candidate.revision
        self.fingerprints: dict[str, str | None] = {}
        """What each arm serves, as far as it can be read."""
        self.store_problem: str | None = None
        self.received = False
        """Whether a report has come since the last snapshot."""
        self.beside: Callable[[], Mapping[str, bytes]] = dict
        """What else is committed with every snapshot, by name."""
        self._config = config
        self._salt = salt
        self._clock = clock
        self._evidence = 0
        self._forget = False
        self._untold: tuple[Change, ...] = ()
        self._ledger = ledger
        self.analyzers = analyzers = registry.load(config.analysis.enabled)
        variables = {analyzer.name: analyzer.variables for analyzer in analyzers}
        self.dossier = Dossier(terms_of(config))
        self.tables = Tables(variables, {each.name: each.figures for each in analyzers})
        self._turns = Turns(config.guardrails, variables)
        self._looked = (self.dossier, -1)
        self._meter = Meter(telemetry, self.tables, config.guardrails, version)

    def receive(self, message: Message) -> None:
        """Take what a gateway process tells, and account for all that can be put in order with a mark."""
        if isinstance(message, Mark):
            mark = message
        else:
            self._take(message)
            mark = message.mark
        if mark.process:
            now = self._clock()
            self.dossier.hear(mark.process, mark.low, now)
            self.dossier.fold(now)

    def _take(self, report: Report) -> None:
        paired = report.state in PAIRED
        if not report.further:
            if report.state != UNSENT and not self.dossier.receive(self._turns.of(report)):
                return  # told of before
            scored = paired and any(each is not Analysis.DROPPED for each in report.analyses.values())
            self.dossier.cover(report.segments, measured=scored)
        if paired:
            self.tables.fold(report)
        self.received = True

    # what is decided

    @property
    def guardrails(self) -> Mapping[str, Guardrail]:
        """As they are declared."""
        return self._config.guardrails

    def follow(self, config: Config) -> None:
        """Go by another configuration from now on.

        Where evidence does not belong to it, new evidence begins before anything more is counted. What that changes
        is told with what is decided next.
        """
        self._config = config
        self._go_on(plan_of(config), self.rollout.dump())

    def put_back(self, before: Mapping[str, Any]) -> None:
        """Have the rollout be where it was before what could not be made durable.

        The configuration may be another one by now: what it says is taken account of once more.
        """
        self._untold = ()
        self._go_on(self.rollout.plan, before)

    def _go_on(self, plan: Plan, before: Mapping[str, Any]) -> None:
        self.rollout = Rollout.restored(plan, before)
        self._untold += self.rollout.step_changed(before)
        self._untold = self.begin()

    def untold(self) -> tuple[Change, ...]:
        """What has changed without anybody's having been told; from now on they have been."""
        untold, self._untold = self._untold, ()
        return untold

    def begin(self) -> tuple[Change, ...]:
        """Take account of who is compared, at the start and whenever it may have changed."""
        identity = identity_of(self._config, self.analyzers, self._salt, self.fingerprints)
        return self._decided(self.rollout.identify(identity, self._clock() / 1e9), Facts())

    def look(self, now: float) -> tuple[Change, ...]:
        """Decide by what is known. `now` is in seconds of a monotonic clock.

        A failure counts at once. Whether all else is still safe is worked out for one guardrail at each look,
        and for all of them before each step.
        """
        self.dossier.fold(self._clock())
        known = (self.dossier, self.dossier.failures)
        fresh, self._looked = self._looked != known, known
        facts = self.facts(None if fresh else JUDGED_ANEW)
        if not fresh and self.rollout.stage in (Stage.SHADOW, Stage.CANARY) and not self.rollout.waiting(facts):
            facts = self.facts()
        return self._decided(self.rollout.look(facts, now), facts)

    def command(self, command: Command, *, by: str, reason: str) -> tuple[Change, ...]:
        """Follow a command. Raises RefusedError."""
        facts = self.facts()
        return self._decided(self.rollout.command(command, facts, by=by, reason=reason), facts)

    def facts(self, most: int | None = None) -> Facts:
        """What the rollout goes by now; see `Dossier.judgements` for `most`."""
        blocks = (f"the store cannot be written: {self.store_problem}",) if self.store_problem else ()
        facts = facts_of(self.dossier.judgements(most), self.telemetry, blocks + self.dossier.blocks())
        return facts._replace(sessions=max((each.count for each in self.dossier.tallies.values()), default=0))

    def decision(self, most: int | None = None) -> tuple[State, str]:
        """What other controllers are told of the candidate as a whole, and why.

        See `Dossier.judgements` for `most`.
        """
        found = overall(self.judgements(most))
        rollout, facts = self.rollout, self.facts(most)
        if rollout.stage is Stage.ROLLED_BACK:
            return State.FAIL, f"rolled back: {rollout.reason}"
        if found is State.FAIL:
            return found, "; ".join(f"{name}: {why}" for name, why in facts.failed.items())
        if found is State.PASS and (against := self.against(most)):
            return State.INCONCLUSIVE, "; ".join(against)
        return found, "; ".join(f"{name}: {why}" for name, why in facts.unsafe.items()) or "every guardrail is safe"

    def against(self, most: int | None = None) -> tuple[str, ...]:
        """What keeps the candidate from more traffic whatever the verdict, in words; `most` as for `decision`."""
        held = self.rollout.held
        return ((f"held: {held}",) if held else ()) + self.facts(most).blocks

    def _decided(self, changes: tuple[Change, ...], facts: Facts) -> tuple[Change, ...]:
        if self.rollout.evidence != self._evidence:
            self._evidence, self._forget = self.rollout.evidence, True
            self.dossier = self.dossier.renewed()
        for change in changes:
            if change.action is Action.ROLLBACK:
                self._meter.rolled_back(tuple(facts.failed) if change.by == "slipgauge" else (change.by,))
        return self.untold() + changes

    # what must survive a restart

    def snapshot(self) -> Batch:
        """The stage and its evidence, and the sessions that have counted since the last snapshot."""
        evidence = {"number": self._evidence, "dossier": self.dossier.dump()}
        batch = Batch(
            state={
                "rollout": orjson.dumps(self.rollout.dump()),
                "evidence": orjson.dumps(evidence),
                **self.beside(),
            },
            seen=self.dossier.sessions.take(),
            forget=self._forget,
        )
        self.received = self._forget = False
        return batch

    def restore(self, rollout: Mapping[str, Any], evidence: Mapping[str, Any], seen: Mapping[str, bytes]) -> None:
        """Be where a snapshot says that control was."""
        self.rollout = Rollout.restored(self.rollout.plan, rollout)
        if self.rollout.identity.get(REVISION) == self.revision:  # another one begins anew, whatever the steps were
            self._untold = self.rollout.step_changed(rollout)
        self._evidence = evidence["number"]
        self.dossier = Dossier.restored(self.dossier.terms, evidence["dossier"], seen)

    # what is told

    def rows(self) -> list[dict[str, Any]]:
        """Every guardrail's judgement as of now, for the audit log."""
        return [each.told() for each in self.judgements()]

    def judgements(self, most: int | None = None) -> tuple[Judgement, ...]:
        """Every guardrail's verdict as of now; see `Dossier.judgements` for `most`."""
        self.dossier.fold(self._clock())
        return self.dossier.judgements(most)

    def told(self) -> dict[str, Any]:
        """The object of `GET /verdict`: what is stable, and all that lies behind it."""
        return {**self.verdict(), "guardrails": self.rows(), **self.dossier.told()}

    def verdict(self) -> dict[str, Any]:
        """The object of `GET /verdict`; its fields are stable."""
        judgements = self.judgements()
        return {
            "verdict": str(overall(judgements)),
            "stage": str(self.rollout.stage),
            "guardrails": [judgement.row() for judgement in judgements],
        }

    def findings(self) -> dict[str, dict[str, int]]:
        """The 2x2 table of every variable, baseline first: `fail_pass` is baseline failed, candidate passed."""
        return {
            variable: {f"{baseline}_{candidate}": table.cells[baseline, candidate] for baseline, candidate in CELLS}
            for variable, table in self.tables.findings.items()
        }

    def figures(self) -> dict[str, dict[str, dict[str, float]]]:
        """By analyzer and figure, how many pairs were measured against the candidate, and the mean."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for (analyzer, figure, against), bins in self.tables.figures.items():
            if against == "candidate" and (count := sum(bins.counts)):
                found.setdefault(analyzer, {})[figure] = {"pairs": count, "mean": bins.total / count}
        return found

    def ledger(self) -> dict[str, Any]:
        """The object of `GET /ledger`: the states, what is still open, and whether they sum to the total."""
        before, states, after = self._ledger.total, dict(self._ledger.states()), self._ledger.total
        total, still_open = sum(states.values()), states.pop("open")
        balanced = before <= total <= after and still_open >= 0  # other processes count meanwhile
        return {"states": states, "open": still_open, "total": total, "balanced": balanced}

    def stage_now(self) -> dict[str, Any]:
        """The object of `GET /stage`."""
        rollout = self.rollout
        step = rollout.plan.steps[rollout.step]
        return {
            "stage": str(rollout.stage),
            "candidate_weight": rollout.weight,
            "candidate_revision": self.revision,
            "owner": "external" if rollout.plan.external else "slipgauge",
            "step": {"number": rollout.step, "of": len(rollout.plan.steps), "weight": step.weight},
            "waiting": list(rollout.waiting(self.facts())),
            "held": rollout.held,
            "reason": rollout.reason or None,
            "guard": rollout.guard,
            "breakers_open": breakers_open(self.telemetry),
            "identity": rollout.identity,
            "store": {"path": self._config.store.path, "problem": self.store_problem},
        }

    def refresh(self) -> None:
        """Bring the metrics up to date. Done when they are read: pairs arrive far more often."""
        for _ in self.refreshing():
            pass

    def refreshing(self) -> Iterator[None]:
        """The same in slices of a few milliseconds; whoever iterates lets others go on between them.

        What arrives between may be left for the next time, but for a failure.
        """
        self.dossier.fold(self._clock())
        for about in self.dossier.terms.guardrails:
            self.dossier.catch_up(about)
            yield
        for _ in range(0, MOST_BOUNDS, BOUNDS_ANEW):
            self.dossier.segments.find(BOUNDS_ANEW)
            yield
        self._meter.show(self.judgements(0), self.decision(0)[0], self.rollout, self.dossier)
        yield
