"""The rollout: how much live traffic the candidate answers, and what moves it. Pure.

    shadow -> canary weights -> promoted
       any of them -> rolled_back, until a candidate revision is declared that was never rolled back

Up, one step at a time, only where nothing stands against it: see `Rollout.waiting`. Down, at once, on the first
guardrail that fails or because somebody says so. Nothing but a new revision lifts `rolled_back`.

The stage says what has been decided, `weight` where the traffic is. They differ where the arm that traffic should
move to could not take it: an arm without a healthy server gets none, and no arm gets more than its declared
capacity. What could not move moves as soon as it can.

Who calls this passes in what is known (`Facts`) and the time, makes what comes back (`Change`) durable beside
the evidence it rests on, and only then has the gateways follow. The time a step has had counts only while it was
looked at: the hours of a process that was down prove nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

MOST_BETWEEN = 5.0
"""Seconds between two looks beyond which nobody was looking."""
REMEMBERED = 100
"""Most revisions of which it is remembered that they were rolled back."""
REVISION = "candidate.revision"
"""The part of an identity that is declared, not read."""
CANDIDATE = "candidate."
"""What the parts of an identity begin with that are the candidate's own."""
SERVER = ".server"
"""What the parts of an identity end with that are read from an arm's servers."""
RENEWALS = 3
"""Times within SETTLED seconds that new evidence begins since servers became others; beyond that it is kept."""
SETTLED = 3_600.0


class Stage(StrEnum):
    """How much live traffic the candidate answers."""

    SHADOW = "shadow"
    CANARY = "canary"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


class Action(StrEnum):
    """What happened to the rollout."""

    BEGIN = "begin"
    """A candidate revision was declared."""
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    HOLD = "hold"
    RESUME = "resume"
    IDENTITY = "identity"
    """An arm, a guardrail or an analyzer is another than before: new evidence begins."""
    STEPS = "steps"
    """The plan's steps are others than before: it goes on at another."""
    WEIGHT = "weight"
    """Traffic moved, or could not move, without a change of stage."""


class Command(StrEnum):
    """What an operator, or an alert, may ask for."""

    PROMOTE = "promote"
    HOLD = "hold"
    RESUME = "resume"
    ROLLBACK = "rollback"


class RefusedError(Exception):
    """A command cannot be followed, for the reason in its text."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step up: the candidate's share of sessions, and the least it takes to leave the step."""

    weight: float
    seconds: float = 0.0
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator has declared. The weights of `steps` rise; the first is the shadow stage, of weight 0."""

    steps: tuple[Step, ...]
    automatic: bool = True
    """Whether the rollout takes its steps by itself, or each on command."""
    external: bool = False
    """Whether somebody else shifts the traffic: the candidate gets none from here."""
    baseline_capacity: float = 1.0
    """The share of sessions that the baseline can answer."""
    candidate_capacity: float = 1.0


class Facts(NamedTuple):
    """What is known at one moment."""

    sessions: int = 0
    """Sessions measured since the present evidence began."""
    failed: Mapping[str, str] = {}
    """Guardrails that have failed, each with its reason in words."""
    unsafe: Mapping[str, str] = {}
    """Required guardrails that are not known to be safe now, each with its reason in words."""
    blocks: tuple[str, ...] = ()
    """What else keeps the candidate from more traffic: an A/A alarm, coverage. It never keeps it from less."""
    baseline_up: bool = True
    """Whether any server of the arm is neither ejected nor down."""
    candidate_up: bool = True
    breaker_open: bool = False
    """Whether the candidate is out of the canary in some gateway, because it keeps failing."""


class Change(NamedTuple):
    """Something that happened, for the audit log and whoever is to be told."""

    action: Action
    by: str
    """`slipgauge`, or who asked for it."""
    reason: str
    before: Stage
    stage: Stage
    weight: float
    """The candidate's share of sessions from now on."""


@dataclass(slots=True)
class Rollout:
    """One candidate's way. `dump` and `restored` carry it over a restart."""

    plan: Plan
    stage: Stage = Stage.SHADOW
    step: int = 0
    """The step it is on, or was on when it was promoted or rolled back."""
    weight: float = 0.0
    """The share of sessions that the candidate answers."""
    held: str | None = None
    """Why it takes no step; None where it is not held."""
    reason: str = ""
    """Why it was rolled back."""
    guard: str | None = None
    """Why the traffic is not where the stage would have it; None where it is."""
    identity: dict[str, str] = field(default_factory=dict)
    """What the evidence belongs to, by part; a part that is not known yet is absent."""
    evidence: int = 0
    """The number of the present evidence; a new one begins whenever it rises."""
    rejected: list[str] = field(default_factory=list)
    """Revisions that were rolled back, the latest last."""
    seconds: float = 0.0
    """How long this step has been looked at."""
    sessions_before: int = 0
    """Sessions that the present evidence had when this step began."""
    renewals: list[float] = field(default_factory=list)
    """When evidence began anew of late since servers said that they are others; none of before the last step up."""
    unsettled: bool = False
    """Whether they say so again and again: evidence is kept then, whoever answered, until somebody resumes."""
    _looked: float | None = None

    # what is known

    def waiting(self, facts: Facts) -> tuple[str, ...]:
        """What keeps it from its next step, in words; nothing where there is none or it may be taken."""
        if self.stage in (Stage.PROMOTED, Stage.ROLLED_BACK):
            return ()
        step = self.plan.steps[self.step]
        found = list(self._against(facts))
        if (had := facts.sessions - self.sessions_before) < step.sessions:
            found.append(f"{had} of at least {step.sessions} sessions in this step")
        if self.seconds < step.seconds:
            found.append(f"{self.seconds:.0f} of at least {step.seconds:g} seconds in this step")
        if not self.plan.automatic and not self.plan.external:
            found.append("it takes its steps on command")
        return tuple(found)

    def _against(self, facts: Facts) -> tuple[str, ...]:
        """What no command overrides. Who will accept a larger slip says so in the guardrail's margin."""
        found = [f"{name} has failed: {reason}" for name, reason in facts.failed.items()]
        if self.plan.external:
            found.append("the rollout is somebody else's (rollout.owner: external)")
        if self.held is not None:
            found.append(f"it is held: {self.held}")
        if not facts.candidate_up:
            found.append("the candidate has no healthy server")
        if facts.breaker_open:
            found.append("the candidate keeps failing, and its breaker is open")
        if self.guard is not None:
            found.append(self.guard)
        found += facts.blocks
        if self._is_last_step and facts.unsafe:
            found.append(f"not known to be safe: {', '.join(facts.unsafe)}")
        return tuple(found)

    @property
    def _is_last_step(self) -> bool:
        return self.step == len(self.plan.steps) - 1

    # what happens

    def identify(self, identity: Mapping[str, str], now: float) -> tuple[Change, ...]:
        """Take account of who the arms, the guardrails and the analyzers are; parts left out are not known now.

        A revision that is new begins a new rollout; so does one that is declared again, but as rolled back if it
        was. Anything else that has changed holds the rollout, and begins new evidence. A candidate that is another
        one under the same revision has earned nothing: it leaves the canary, too. Promoted, it keeps serving.

        Servers that become others again and again would keep all evidence from ever being enough. So it then stays
        what it is: a failure means that one of them exceeds its margin, and a hold keeps it from passing.
        `now` is seconds since 1970.
        """
        changed = [part for part, value in identity.items() if self.identity.get(part, value) != value]
        first = REVISION not in self.identity
        was, self.identity = self.identity, {**self.identity, **identity}
        if first or REVISION in changed:
            self.identity = dict(identity)
            return self._begin(identity[REVISION])
        if not changed:
            return ()
        declared = not all(part.endswith(SERVER) for part in changed)
        leaves = self.stage is Stage.CANARY and any(part.startswith(CANDIDATE) for part in changed)
        if self.unsettled and not declared and not leaves:
            return ()
        told = ", ".join(f"{part} was {was[part]} and is {identity[part]}" for part in sorted(changed))
        reason, before = f"{told}, under the same revision", self.stage
        if declared or self._believes(now):
            self._renew_evidence()
        else:
            self.unsettled = True
            reason += f", the {RENEWALS + 1}th change within an hour: until it is resumed no new evidence begins"
        if declared:
            self._settle_identity()
        if before is not Stage.ROLLED_BACK:
            self.held = reason
        if leaves:
            self.stage, self.step = Stage.SHADOW, 0
        return (self._changed(Action.IDENTITY, "slipgauge", reason, before),)

    def look(self, facts: Facts, now: float) -> tuple[Change, ...]:
        """Decide by what is known. `now` is seconds of a clock that only this process need know."""
        if self._looked is not None and facts.candidate_up and not facts.breaker_open:
            passed = now - self._looked
            self.seconds += passed if 0 <= passed <= MOST_BETWEEN else 0.0
        self._looked = now
        changes: tuple[Change, ...] = ()
        if facts.failed and self.stage is not Stage.ROLLED_BACK:
            reason = "; ".join(f"{name}: {why}" for name, why in facts.failed.items())
            changes = (self._roll_back("slipgauge", reason),)
        elif self.stage in (Stage.SHADOW, Stage.CANARY) and not self.waiting(facts):
            changes = (self._step_up("slipgauge", "nothing stands against it", facts),)
        return self._settled(changes, facts)

    def command(self, command: Command, facts: Facts, *, by: str, reason: str) -> tuple[Change, ...]:
        """Follow a command. Raises RefusedError, with nothing changed.

        `promote` takes the next step without waiting for its minimum of time and sessions, and overrides nothing
        else.
        """
        if self.stage is Stage.ROLLED_BACK:
            raise RefusedError(f"{self.identity.get(REVISION, 'this revision')} was rolled back; declare another")
        return self._settled((self._follow(command, facts, by, reason),), facts)

    # how

    def _follow(self, command: Command, facts: Facts, by: str, reason: str) -> Change:
        match command:
            case Command.PROMOTE:
                if self.stage is Stage.PROMOTED:
                    raise RefusedError("it is promoted already")
                if against := self._against(facts):
                    raise RefusedError("; ".join(against))
                return self._step_up(by, reason, facts)
            case Command.HOLD:
                self.held = f"{reason} ({by})"
                return self._changed(Action.HOLD, by, reason, self.stage)
            case Command.RESUME:
                if self.held is None:
                    raise RefusedError("it is not held")
                self.held = None
                if self.unsettled:
                    self._renew_evidence()
                self._settle_identity()
                return self._changed(Action.RESUME, by, reason, self.stage)
            case Command.ROLLBACK:
                return self._roll_back(by, reason)

    def _begin(self, revision: str) -> tuple[Change, ...]:
        before, self.held, self.step = self.stage, None, 0
        self._renew_evidence()
        self._settle_identity()
        if revision in self.rejected:
            self.stage, self.reason = Stage.ROLLED_BACK, f"{revision} was rolled back before"
        else:
            self.stage, self.reason = Stage.SHADOW, ""
        why = self.reason or f"revision {revision} was declared"
        return (self._changed(Action.BEGIN, "slipgauge", why, before),)

    def _believes(self, now: float) -> bool:
        """Whether servers may be others once more, which counts as a renewal."""
        self.renewals = [at for at in self.renewals if now - SETTLED < at <= now]
        if len(self.renewals) == RENEWALS:
            return False
        self.renewals.append(now)
        return True

    def _settle_identity(self) -> None:
        """Who answers is as somebody wants it from here on."""
        self.renewals, self.unsettled = [], False

    def _renew_evidence(self) -> None:
        self.evidence += 1
        self.seconds, self.sessions_before = 0.0, 0

    def _step_up(self, by: str, reason: str, facts: Facts) -> Change:
        before = self.stage
        self.seconds, self.sessions_before = 0.0, facts.sessions
        self._settle_identity()
        if self._is_last_step:
            self.stage, action = Stage.PROMOTED, Action.PROMOTE
        else:
            self.step += 1
            self.stage, action = Stage.CANARY, Action.ADVANCE
        return self._changed(action, by, reason, before)

    def _roll_back(self, by: str, reason: str) -> Change:
        before, self.stage, self.held, self.reason = self.stage, Stage.ROLLED_BACK, None, reason
        revision = self.identity.get(REVISION)
        if revision is not None:
            self.rejected = [*(each for each in self.rejected if each != revision), revision][-REMEMBERED:]
        return self._changed(Action.ROLLBACK, by, reason, before)

    @property
    def target(self) -> float:
        """The candidate's share of sessions that the stage asks for; none where somebody else shifts them."""
        if self.plan.external:
            return 0.0
        if self.stage is Stage.PROMOTED:
            return self.plan.candidate_capacity
        if self.stage is Stage.CANARY:
            return min(self.plan.steps[self.step].weight, self.plan.candidate_capacity)
        return 0.0

    def _settled(self, changes: tuple[Change, ...], facts: Facts) -> tuple[Change, ...]:
        """Move the traffic as far as the arm that gets it can take it."""
        was, self.weight, self.guard = (self.weight, self.guard), *self._settle(facts)
        if changes:
            last = changes[-1]
            reason = f"{last.reason}; {self.guard}" if self.guard else last.reason
            return (*changes[:-1], last._replace(weight=self.weight, reason=reason))
        if (self.weight, self.guard) == was:
            return ()
        why = self.guard or f"{self.weight:.1%} of sessions go to the candidate, as the stage asks"
        return (self._changed(Action.WEIGHT, "slipgauge", why, self.stage),)

    def _settle(self, facts: Facts) -> tuple[float, str | None]:
        target, weight = self.target, self.weight
        stays = f"{weight:.1%} of sessions stay with the candidate"
        if target > weight and not facts.candidate_up:
            return weight, f"the candidate has no healthy server, so {stays}"
        if target < weight and not facts.baseline_up:
            return weight, f"the baseline has no healthy server, so {stays}"
        if target < weight and target < (least := 1.0 - self.plan.baseline_capacity):
            kept = min(weight, least)
            return (
                kept,
                f"the baseline can answer {1 - least:.1%} of sessions, so {kept:.1%} stay with the candidate",
            )
        return target, None

    def _changed(self, action: Action, by: str, reason: str, before: Stage) -> Change:
        return Change(action, by, reason, before, self.stage, self.weight)

    # over a restart

    def dump(self) -> dict[str, Any]:
        """What must survive a restart, as JSON takes it."""
        return {
            "stage": str(self.stage),
            "step_weight": self.plan.steps[self.step].weight,
            "weight": self.weight,
            "held": self.held,
            "reason": self.reason,
            "guard": self.guard,
            "identity": self.identity,
            "evidence": self.evidence,
            "rejected": self.rejected,
            "seconds": self.seconds,
            "sessions_before": self.sessions_before,
            "renewals": self.renewals,
            "unsettled": self.unsettled,
        }

    @classmethod
    def restored(cls, plan: Plan, dumped: Mapping[str, Any]) -> Rollout:
        """The rollout of which `dump` told, under a plan that may be another now.

        It stands on the highest step that gives the candidate no more than it had; see `step_changed`. On another
        step its time begins anew: what it had was another's, and would have it step up at once.
        """
        had = dumped["step_weight"]
        step = max(n for n, each in enumerate(plan.steps) if each.weight <= had)
        stage = Stage(dumped["stage"])
        if stage in (Stage.SHADOW, Stage.CANARY):
            stage = Stage.CANARY if step else Stage.SHADOW
        kept = ("weight", "held", "reason", "guard", "evidence", "sessions_before")
        return cls(
            plan=plan,
            stage=stage,
            step=step,
            seconds=dumped["seconds"] if plan.steps[step].weight == had else 0.0,
            identity=dict(dumped["identity"]),
            rejected=list(dumped["rejected"]),
            renewals=list(dumped.get("renewals", ())),
            unsettled=dumped.get("unsettled", False),
            **{name: dumped[name] for name in kept},
        )

    def step_changed(self, dumped: Mapping[str, Any]) -> tuple[Change, ...]:
        """What became of the step that `dumped` told of, where the steps under which it was restored are others."""
        had, has = dumped["step_weight"], self.plan.steps[self.step].weight
        if self.stage in (Stage.PROMOTED, Stage.ROLLED_BACK) or has == had:
            return ()
        reason = (
            f"the configuration's steps changed: none has weight {had:g}, as before, any more, "
            f"and {has:g} is the highest of no more"
        )
        return (self._changed(Action.STEPS, "slipgauge", reason, Stage(dumped["stage"])),)
