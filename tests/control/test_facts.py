from __future__ import annotations

import pytest

from analyzers import registry
from proxy.config import Clients, Config
from proxy.config_rollout import CanaryStep, Rollout, Shadow
from proxy.control.facts import breakers_open, facts_of, identity_of, plan_of
from proxy.telemetry import Telemetry
from verdict.judge import Judgement, State
from verdict.rollout import Plan, Step


def judged(name: str, state: State, *, required: bool = True) -> Judgement:
    return Judgement(name, state, 40, None, None, None, 0.01, "because", required=required)


def test_the_plan_is_the_configurations_steps_after_the_shadow_stage(config: Config) -> None:
    rollout = Rollout(advance="auto", shadow=Shadow(seconds=5, sessions=6), canary=(CanaryStep(weight=0.2),))
    wanted = config.model_copy(update={"rollout": rollout})

    assert plan_of(wanted) == Plan((Step(0.0, 5, 6), Step(0.2, 3_600, 300)))
    assert plan_of(wanted.model_copy(update={"tap": True})).external


def test_an_arm_is_up_where_some_server_is_in_every_process_and_where_nobody_has_looked() -> None:
    telemetry = Telemetry()
    assert facts_of((), telemetry).candidate_up

    telemetry.upstream_up.labels("candidate", "a:1").set(0)
    telemetry.upstream_up.labels("baseline", "b:1").set(0)
    telemetry.upstream_up.labels("baseline", "b:2").set(1)
    facts = facts_of((), telemetry)
    assert (facts.baseline_up, facts.candidate_up) == (True, False)


def test_an_open_breaker_is_a_fact_and_is_counted() -> None:
    telemetry = Telemetry()
    telemetry.breaker_open.set(1)

    assert (breakers_open(telemetry), facts_of((), telemetry).breaker_open) == (1, True)


@pytest.mark.parametrize("state", [State.INCONCLUSIVE, State.NO_DATA, State.FAIL])
def test_what_is_required_is_unsafe_until_it_passes(state: State) -> None:
    every = (judged("a", state), judged("b", State.PASS), judged("c", state, required=False))

    assert facts_of(every, Telemetry()).unsafe == {"a": "because"}


def test_without_a_required_guardrail_nothing_is_known_to_be_safe() -> None:
    every = (judged("a", State.PASS, required=False),)

    assert facts_of(every, Telemetry()).unsafe
    assert facts_of((), Telemetry()).unsafe


def test_evidence_belongs_to_everything_that_would_make_it_another(config: Config) -> None:
    analyzers = registry.load(config.analysis.enabled)

    def of(changed: Config = config, salt: str = "salt", **fingerprints: str | None) -> dict[str, str]:
        return identity_of(changed, analyzers, salt, fingerprints)

    margins = {"served": config.guardrails["served"].model_copy(update={"margin": 0.02})}
    session = config.session.model_copy(update={"header": "X-Other"})
    assert of() == of(candidate=None)
    assert {part for part, value in of(candidate="x").items() if of().get(part) != value} == {"candidate.server"}
    for other, part in (
        (of(config.model_copy(update={"guardrails": margins})), "guardrails"),
        (of(config.model_copy(update={"session": session})), "sessions"),
        (of(salt="another"), "sessions"),
        (of(config.model_copy(update={"clients": Clients(identity="address")})), "sessions"),
        (
            of(config.model_copy(update={"candidate": config.candidate.model_copy(update={"revision": "2"})})),
            "candidate.revision",
        ),
    ):
        assert {name for name, value in other.items() if of()[name] != value} == {part}
    assert of(config.model_copy(update={"clients": Clients(sessions=9)})) == of()
    assert "salt" not in "".join(of(salt="a salt").values())
