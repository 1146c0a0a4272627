from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import orjson
import pytest

from verdict.rollout import Action, Change, Command, Facts, Plan, RefusedError, Rollout, Stage, Step

STEPS = (Step(0.0, seconds=10, sessions=100), Step(0.1, seconds=10, sessions=50), Step(0.5, sessions=50))
FAILED = {"json.invalid": "slip of 5 % where 0.5 % is tolerated"}
UNSAFE = {"served": "e-value 3 of 20"}


class Script:
    """A rollout, looked at once a second."""

    def __init__(self, rollout: Rollout | None = None, **plan: Any) -> None:
        self.rollout = rollout or Rollout(Plan(STEPS, **plan))
        self.now = 0.0
        if rollout is None:
            self.rollout.identify({"candidate.revision": "1", "candidate.server": "a", "baseline.server": "b"}, 0.0)

    def look(self, seconds: int = 1, **facts: Any) -> list[Change]:
        changes: list[Change] = []
        for _ in range(seconds):
            self.now += 1.0
            changes += self.rollout.look(Facts(**facts), self.now)
        return changes

    def stands(self) -> tuple[Stage, float, str | None]:
        return self.rollout.stage, self.rollout.weight, self.rollout.guard

    def at(self, stage: Stage, weight: float) -> Self:
        """Go there the ordinary way."""
        sessions = 0
        while (self.rollout.stage, self.rollout.weight) != (stage, weight):
            sessions += 20
            self.look(sessions=sessions)
        self.sessions = sessions
        return self


def test_it_steps_up_when_time_and_sessions_have_passed_and_is_promoted_after_the_last_step() -> None:
    script = Script()
    seen = []
    for second in range(60):
        seen += [(second, change.action, change.weight) for change in script.look(sessions=second * 10)]

    assert seen == [(10, "advance", 0.1), (20, "advance", 0.5), (25, "promote", 1.0)]


def test_the_time_of_a_step_counts_only_while_it_was_looked_at() -> None:
    script = Script()
    script.look(5, sessions=100)
    script.now += 3_600
    script.look(5, sessions=100)

    assert script.rollout.seconds == 8
    assert script.rollout.stage is Stage.SHADOW


@pytest.mark.parametrize("facts", [{"candidate_up": False}, {"breaker_open": True}])
def test_no_time_counts_while_the_candidate_could_not_have_served(facts: dict[str, Any]) -> None:
    script = Script()
    script.look(60, sessions=1_000, **facts)

    assert (script.rollout.stage, script.rollout.seconds) == (Stage.SHADOW, 0)
    assert any("candidate" in words for words in script.rollout.waiting(Facts(**facts)))


@pytest.mark.parametrize("at", [(Stage.SHADOW, 0.0), (Stage.CANARY, 0.5), (Stage.PROMOTED, 1.0)])
def test_a_failed_guardrail_rolls_back_at_once_from_any_stage(at: tuple[Stage, float]) -> None:
    script = Script().at(*at)
    (change,) = script.look(failed=FAILED)

    assert change == Change(
        Action.ROLLBACK, "slipgauge", f"json.invalid: {FAILED['json.invalid']}", at[0], Stage.ROLLED_BACK, 0.0
    )


def test_rolled_back_is_lifted_by_a_new_revision_and_by_nothing_else() -> None:
    script = Script()
    script.look(failed=FAILED)
    script.look(1_000, sessions=10_000)
    for command in Command:
        with pytest.raises(RefusedError, match="declare another"):
            script.rollout.command(command, Facts(sessions=10_000), by="operator", reason="please")
    script.rollout.identify({"candidate.server": "another"}, 0.0)
    script.rollout.identify({"candidate.revision": "1", "baseline.server": "another"}, 0.0)
    assert script.rollout.stage is Stage.ROLLED_BACK

    (change,) = script.rollout.identify({"candidate.revision": "2"}, 0.0)
    assert (change.action, script.rollout.stage, script.rollout.held) == (Action.BEGIN, Stage.SHADOW, None)


def test_a_revision_that_was_rolled_back_is_not_new_when_it_is_declared_again() -> None:
    script = Script()
    script.look(failed=FAILED)
    script.rollout.identify({"candidate.revision": "2"}, 0.0)
    (change,) = script.rollout.identify({"candidate.revision": "1"}, 0.0)

    assert (change.action, change.stage, change.reason) == (
        Action.BEGIN,
        Stage.ROLLED_BACK,
        "1 was rolled back before",
    )


def test_blocks_keep_it_from_every_step_up_and_never_from_rollback() -> None:
    script = Script()
    blocks = ("two answers of the baseline differ",)
    script.look(60, sessions=1_000, blocks=blocks)
    assert script.stands()[0] is Stage.SHADOW
    assert blocks[0] in script.rollout.waiting(Facts(sessions=1_000, blocks=blocks))

    script.look(failed=FAILED, blocks=blocks)
    assert script.rollout.stage is Stage.ROLLED_BACK


def test_promotion_needs_every_required_guardrail_safe_at_that_moment_and_a_canary_step_does_not() -> None:
    script = Script()
    for second in range(60):
        script.look(sessions=second * 20, unsafe=UNSAFE)

    assert (script.rollout.stage, script.rollout.weight) == (Stage.CANARY, 0.5)
    assert script.rollout.waiting(Facts(sessions=9_999, unsafe=UNSAFE)) == ("not known to be safe: served",)
    with pytest.raises(RefusedError, match="not known to be safe"):
        script.rollout.command(Command.PROMOTE, Facts(sessions=9_999, unsafe=UNSAFE), by="operator", reason="now")
    assert script.look(sessions=9_999)[0].action is Action.PROMOTE


def test_hold_stops_the_steps_and_not_the_rollback_and_resume_goes_on() -> None:
    script = Script().at(Stage.CANARY, 0.1)
    script.rollout.command(Command.HOLD, Facts(), by="operator", reason="weekend")
    script.look(60, sessions=10_000)
    assert script.rollout.weight == 0.1
    with pytest.raises(RefusedError, match="it is held: weekend"):
        script.rollout.command(Command.PROMOTE, Facts(), by="operator", reason="now")

    script.rollout.command(Command.RESUME, Facts(), by="operator", reason="monday")
    assert script.look(sessions=10_000)[0].weight == 0.5
    with pytest.raises(RefusedError, match="not held"):
        script.rollout.command(Command.RESUME, Facts(), by="operator", reason="again")


def test_promote_takes_one_step_without_waiting_for_time_and_sessions() -> None:
    script = Script(automatic=False)
    script.look(60, sessions=10_000)
    assert script.rollout.waiting(Facts(sessions=10_000)) == ("it takes its steps on command",)
    weights = [
        script.rollout.command(Command.PROMOTE, Facts(), by="operator", reason="step")[0].weight for _ in range(3)
    ]

    assert weights == [0.1, 0.5, 1.0]
    with pytest.raises(RefusedError, match="promoted already"):
        script.rollout.command(Command.PROMOTE, Facts(), by="operator", reason="more")


def test_where_somebody_else_shifts_the_traffic_it_only_says_what_it_would() -> None:
    script = Script(external=True)
    script.look(60, sessions=10_000)
    assert (script.rollout.stage, script.rollout.weight) == (Stage.SHADOW, 0.0)
    with pytest.raises(RefusedError, match="external"):
        script.rollout.command(Command.PROMOTE, Facts(), by="operator", reason="now")

    script.look(failed=FAILED)
    assert script.rollout.stage is Stage.ROLLED_BACK


@pytest.mark.parametrize("at", [(Stage.CANARY, 0.5), (Stage.PROMOTED, 1.0)])
def test_traffic_goes_back_where_somebody_else_comes_to_shift_it(at: tuple[Stage, float]) -> None:
    dumped = Script().at(*at).rollout.dump()
    script = Script(Rollout.restored(Plan(STEPS, external=True), dumped))
    script.look(baseline_up=False)
    assert script.rollout.weight == at[1]

    script.look()
    assert script.stands() == (at[0], 0.0, None)


@pytest.mark.parametrize(
    ("changed", "stage"),
    [("candidate.server", Stage.SHADOW), ("baseline.server", Stage.CANARY), ("guardrails", Stage.CANARY)],
)
def test_another_identity_under_the_same_revision_holds_and_begins_new_evidence(changed: str, stage: Stage) -> None:
    script = Script().at(Stage.CANARY, 0.5)
    script.rollout.identify({"guardrails": "margins"}, 0.0)
    number = script.rollout.evidence
    (change,) = script.rollout.identify({changed: "another"}, 0.0)
    script.look(60)

    assert (change.action, change.before, change.stage) == (Action.IDENTITY, Stage.CANARY, stage)
    assert script.rollout.evidence == number + 1
    assert script.rollout.weight == (0.5 if stage is Stage.CANARY else 0.0)
    assert "under the same revision" in str(script.rollout.held)


class Flapping(Script):
    """A rollout whose baseline is another one each half minute, as read."""

    def flap(self, times: int) -> list[Change]:
        changes: list[Change] = []
        for _ in range(times):
            self.now += 30.0
            changes += self.rollout.identify({"baseline.server": f"at {self.now}"}, self.now)
        return changes


def test_a_server_that_is_another_one_at_each_reading_does_not_renew_the_evidence_for_ever() -> None:
    script = Flapping().at(Stage.PROMOTED, 1.0)
    number = script.rollout.evidence
    changes = script.flap(1_000)

    assert [change.action for change in changes] == [Action.IDENTITY] * 4
    assert script.rollout.evidence == number + 3
    assert "the 4th change within an hour" in changes[-1].reason
    assert script.rollout.held == changes[-1].reason
    with pytest.raises(RefusedError):
        script.rollout.command(Command.PROMOTE, Facts(sessions=9_999), by="operator", reason="now")
    (change,) = script.look(failed=FAILED)
    assert (change.action, change.weight) == (Action.ROLLBACK, 0.0)


def test_another_candidate_leaves_the_canary_also_while_the_baseline_is_not_believed() -> None:
    script = Flapping().at(Stage.CANARY, 0.5)
    script.flap(10)
    assert script.rollout.stage is Stage.CANARY
    (change,) = script.rollout.identify({"candidate.server": "another"}, script.now)
    assert (change.action, script.rollout.stage) == (Action.IDENTITY, Stage.SHADOW)


def test_whoever_resumes_begins_new_evidence_and_the_count_anew() -> None:
    script = Flapping()
    script.flap(10)
    number = script.rollout.evidence
    script.rollout.command(Command.RESUME, Facts(), by="operator", reason="one version now")
    assert script.rollout.evidence == number + 1
    assert not script.rollout.unsettled

    script.flap(3)
    assert script.rollout.evidence == number + 4
    assert not script.rollout.unsettled


def test_servers_that_become_others_now_and_then_are_believed() -> None:
    script = Flapping()
    number = script.rollout.evidence
    for _ in range(10):
        script.now += 1_800.0
        script.flap(1)
    assert script.rollout.evidence == number + 10
    assert not script.rollout.unsettled


def test_a_declared_change_begins_new_evidence_however_often_servers_changed() -> None:
    script = Flapping()
    script.rollout.identify({"guardrails": "margins"}, 0.0)
    script.flap(10)
    number = script.rollout.evidence
    script.rollout.identify({"guardrails": "other margins"}, script.now)

    assert script.rollout.evidence == number + 1
    assert not script.rollout.unsettled


def test_what_was_kept_before_renewals_were_counted_is_read() -> None:
    script = Flapping()
    script.flap(10)
    dumped = script.rollout.dump()
    assert Rollout.restored(script.rollout.plan, orjson.loads(orjson.dumps(dumped))).dump() == dumped

    del dumped["renewals"], dumped["unsettled"]
    assert not Rollout.restored(script.rollout.plan, dumped).unsettled


def test_a_part_that_cannot_be_read_for_now_changes_nothing() -> None:
    script = Script().at(Stage.CANARY, 0.5)
    identity = {"candidate.revision": "1"}

    assert script.rollout.identify(identity, 0.0) == ()
    assert script.rollout.identify({**identity, "candidate.server": "a"}, 0.0) == ()
    assert script.rollout.identify({**identity, "candidate.server": "x"}, 0.0)[0].action is Action.IDENTITY


def test_promoted_keeps_serving_when_the_candidate_is_another_one() -> None:
    script = Script().at(Stage.PROMOTED, 1.0)
    script.rollout.identify({"candidate.server": "another"}, 0.0)
    script.look(10)

    assert (script.rollout.stage, script.rollout.weight) == (Stage.PROMOTED, 1.0)


def test_no_rollback_onto_a_baseline_without_healthy_servers_until_it_has_one() -> None:
    script = Script().at(Stage.CANARY, 0.5)
    (change,) = script.look(failed=FAILED, baseline_up=False)
    assert (change.stage, change.weight) == (Stage.ROLLED_BACK, 0.5)
    assert (
        script.rollout.guard == "the baseline has no healthy server, so 50.0% of sessions stay with the candidate"
    )

    assert script.look(10, failed=FAILED, baseline_up=False) == []
    (moved,) = script.look(failed=FAILED)
    assert moved.action is Action.WEIGHT
    assert script.stands() == (Stage.ROLLED_BACK, 0.0, None)


def test_no_more_traffic_moves_to_an_arm_than_its_declared_capacity() -> None:
    script = Script(baseline_capacity=0.7, candidate_capacity=0.8).at(Stage.PROMOTED, 0.8)
    (change,) = script.look(failed=FAILED)

    assert change.stage is Stage.ROLLED_BACK
    assert change.weight == pytest.approx(0.3)
    assert "the baseline can answer 70.0% of sessions" in str(script.rollout.guard)


def test_a_command_to_roll_back_is_followed_and_named() -> None:
    script = Script().at(Stage.CANARY, 0.1)
    (change,) = script.rollout.command(Command.ROLLBACK, Facts(), by="alertmanager", reason="p99 above 2 s")

    assert (change.by, change.reason, change.weight) == ("alertmanager", "p99 above 2 s", 0.0)


@pytest.mark.parametrize("at", [(Stage.SHADOW, 0.0), (Stage.CANARY, 0.1), (Stage.PROMOTED, 1.0)])
def test_it_survives_a_restart_as_it_was(at: tuple[Stage, float]) -> None:
    before = Script().at(*at).rollout
    dumped = orjson.loads(orjson.dumps(before.dump()))
    after = Rollout.restored(before.plan, dumped)

    assert after.dump() == before.dump()
    assert after.identify(before.identity, 0.0) == ()


@pytest.mark.parametrize(
    ("steps", "weight"),
    [((0.0, 0.05, 0.6), 0.05), ((0.0, 0.2), 0.0), ((0.0, 0.1), 0.1), ((0.0,), 0.0)],
)
def test_under_another_plan_it_stands_no_higher_than_it_did(steps: tuple[float, ...], weight: float) -> None:
    dumped = Script().at(Stage.CANARY, 0.1).rollout.dump()
    after = Rollout.restored(Plan(tuple(map(Step, steps)), automatic=False), dumped)
    Script(after).look()

    assert after.weight == weight
    assert after.stage is (Stage.CANARY if weight else Stage.SHADOW)


@pytest.mark.parametrize(
    ("at", "steps", "stage"),
    [
        ((Stage.CANARY, 0.1), (0.0, 0.2, 0.5), Stage.SHADOW),
        ((Stage.CANARY, 0.5), (0.0, 0.1, 0.6), Stage.CANARY),
        ((Stage.CANARY, 0.1), (0.0, 0.05, 0.1, 0.6), None),
        ((Stage.SHADOW, 0.0), (0.0, 0.2), None),
        ((Stage.PROMOTED, 1.0), (0.0, 0.2), None),
    ],
)
def test_where_its_step_is_gone_that_is_told_with_the_weight_before(
    at: tuple[Stage, float], steps: tuple[float, ...], stage: Stage | None
) -> None:
    dumped = Script().at(*at).rollout.dump()
    after = Rollout.restored(Plan(tuple(map(Step, steps))), dumped)
    changes = after.step_changed(dumped)

    assert [(change.action, change.before, change.stage) for change in changes] == (
        [(Action.STEPS, at[0], stage)] if stage else []
    )
    assert all(f"steps changed: none has weight {at[1]:g}, as before" in change.reason for change in changes)


def test_the_time_of_a_step_that_is_gone_takes_no_step_up() -> None:
    script = Script().at(Stage.CANARY, 0.1)
    script.look(9)
    after = Script(Rollout.restored(Plan((Step(0.0, seconds=5), Step(0.2), Step(0.5))), script.rollout.dump()))

    assert {change.weight for change in after.look(5, sessions=1_000)} == {0.0}
    assert after.look(1, sessions=1_000)[0].weight == 0.2


def test_an_operators_words_reach_the_change() -> None:
    script = Script()
    command: Callable[..., tuple[Change, ...]] = script.rollout.command
    (change,) = command(Command.HOLD, Facts(), by="operator", reason="deploy of the tokenizer")

    assert (change.reason, script.rollout.held) == ("deploy of the tokenizer", "deploy of the tokenizer (operator)")
