"""Whatever happens in whatever order: what a rollout must never do."""

from __future__ import annotations

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from verdict.rollout import RENEWALS, Action, Change, Command, Facts, Plan, RefusedError, Rollout, Stage, Step

WORDS = {"g": "because"}
facts = st.builds(
    Facts,
    sessions=st.integers(0, 1_000),
    failed=st.sampled_from([{}, {}, {}, WORDS]),
    unsafe=st.sampled_from([{}, WORDS]),
    blocks=st.sampled_from([(), ("a block",)]),
    baseline_up=st.booleans(),
    candidate_up=st.booleans(),
    breaker_open=st.booleans(),
)
shares = st.sampled_from([0.0, 0.25, 0.5, 1.0])


class Life(RuleBasedStateMachine):
    """One rollout, from its declaration on."""

    @initialize(automatic=st.booleans(), external=st.booleans(), baseline=shares, candidate=shares)
    def declare(self, *, automatic: bool, external: bool, baseline: float, candidate: float) -> None:
        steps = (Step(0.0, seconds=2), Step(0.1, sessions=100), Step(0.5, seconds=1))
        self.plan = Plan(steps, automatic, external, baseline, candidate)
        self.rollout = Rollout(self.plan)
        self.now = 0.0
        self.identity = {"candidate.revision": "0", "candidate.server": "a", "baseline.server": "a"}
        self.took(self.rollout.identify(self.identity, 0.0), Facts(), Stage.SHADOW, 0.0)

    def took(self, changes: tuple[Change, ...], known: Facts, stage: Stage, weight: float) -> None:
        """What holds of every change."""
        rollout = self.rollout
        if stage is Stage.ROLLED_BACK and rollout.stage is not Stage.ROLLED_BACK:
            assert [change.action for change in changes] == [Action.BEGIN]
        if rollout.stage is not stage:
            assert changes
            assert (changes[-1].stage, changes[-1].weight) == (rollout.stage, rollout.weight)
        if rollout.stage is Stage.PROMOTED and stage is not Stage.PROMOTED:
            assert not known.unsafe
            assert not known.blocks
            assert not known.failed
        if rollout.weight > weight:
            assert known.candidate_up
            assert rollout.weight <= self.plan.candidate_capacity
            assert not self.plan.external
        if rollout.weight < weight:
            assert known.baseline_up
            assert 1 - rollout.weight <= max(self.plan.baseline_capacity, 1 - weight) + 1e-9

    @rule(known=facts, passed=st.sampled_from([0.25, 1.0, 3.0, 100.0, -1.0]))
    def look(self, known: Facts, passed: float) -> None:
        self.now += passed
        stage, weight = self.rollout.stage, self.rollout.weight
        self.took(self.rollout.look(known, self.now), known, stage, weight)
        if known.failed:
            assert self.rollout.stage is Stage.ROLLED_BACK

    @rule(known=facts, command=st.sampled_from(Command))
    def command(self, known: Facts, command: Command) -> None:
        stage, weight, before = self.rollout.stage, self.rollout.weight, self.rollout.dump()
        try:
            changes = self.rollout.command(command, known, by="operator", reason="said so")
        except RefusedError:
            assert self.rollout.dump() == before
            return
        self.took(changes, known, stage, weight)

    @rule(
        part=st.sampled_from(["candidate.revision", "candidate.server", "baseline.server"]),
        value=st.sampled_from("01234"),
    )
    def identify(self, part: str, value: str) -> None:
        stage, weight, evidence = self.rollout.stage, self.rollout.weight, self.rollout.evidence
        rejected = value in self.rollout.rejected
        differs = self.identity[part] != value
        renews = differs and (part == "candidate.revision" or len(self.rollout.renewals) < RENEWALS)
        self.identity = self.identity | {part: value}
        self.took(self.rollout.identify(self.identity, 0.0), Facts(), stage, weight)
        assert self.rollout.evidence == evidence + renews
        if differs and part == "candidate.revision":
            assert self.rollout.stage is (Stage.ROLLED_BACK if rejected else Stage.SHADOW)
        elif differs and stage is not Stage.ROLLED_BACK:
            assert self.rollout.held

    @rule()
    def restart(self) -> None:
        dumped = self.rollout.dump()
        self.rollout = Rollout.restored(self.plan, orjson.loads(orjson.dumps(dumped)))
        self.now = 0.0
        assert self.rollout.dump() == dumped
        assert self.rollout.identify(self.identity, 0.0) == ()

    @invariant()
    def stands_where_it_may(self) -> None:
        if not hasattr(self, "rollout"):
            return
        rollout = self.rollout
        assert 0 <= rollout.weight <= 1
        assert (rollout.stage is Stage.CANARY) <= (rollout.step > 0)
        if rollout.stage is Stage.ROLLED_BACK:
            assert self.identity["candidate.revision"] in rollout.rejected
        if rollout.weight != rollout.target and rollout.guard is None:
            # Decided, and not yet looked at: the traffic moves with the next look.
            rollout.look(Facts(sessions=0), self.now)
            assert rollout.weight == rollout.target or rollout.guard is not None


Life.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
