"""What the rollout goes by: the plan, the facts of a moment, an identity. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import orjson

from analyzers.finding import Analyzer
from proxy.config import Config, Guardrail
from proxy.telemetry import Telemetry
from verdict.dossier import Terms
from verdict.guardrails import Levels, build
from verdict.judge import Judgement, State
from verdict.rollout import REVISION, Facts, Plan, Step

OF_GATEWAYS = (REVISION, "analyzers", "sessions")
"""The parts of an identity that a gateway must share with control: what it finds is counted under them."""
SCORING = 60.0
"""Seconds that a pair has from its answers' deadline to its report, before it is no longer waited for."""


def plan_of(config: Config) -> Plan:
    """The steps that the configuration declares. With `tap` there is no client whose traffic could be shifted."""
    rollout = config.rollout
    return Plan(
        steps=(
            Step(0.0, rollout.shadow.seconds, rollout.shadow.sessions),
            *(Step(each.weight, each.seconds, each.sessions) for each in rollout.canary),
        ),
        automatic=rollout.advance == "auto",
        external=rollout.owner == "external" or config.tap,
        baseline_capacity=config.baseline.capacity,
        candidate_capacity=config.candidate.capacity,
    )


def levels_of(config: Config) -> Levels:
    """How often a verdict may be wrong."""
    verdict = config.verdict
    return Levels(verdict.harm_alpha, verdict.safe_alpha, verdict.repeat_alpha, verdict.run_length)


def terms_of(config: Config) -> Terms:
    """What is declared before the first session."""
    verdict = config.verdict
    return Terms(
        guardrails=build(config.guardrails),
        levels=levels_of(config),
        ttl=config.session.ttl,
        patience=verdict.watermark or config.mirror.deadline + SCORING,
        least_inclusion=verdict.least_inclusion,
        values=config.segments.values,
        of_client=config.clients.sessions if config.clients.identity else 0,
    )


def facts_of(judgements: Iterable[Judgement], telemetry: Telemetry, blocks: tuple[str, ...] = ()) -> Facts:
    """What is known now, of the evidence and of the arms as the gateways see them."""
    judged = tuple(judgements)
    unsafe = {each.name: each.reason for each in judged if each.required and each.state is not State.PASS}
    if not any(each.required for each in judged):
        unsafe["no guardrail"] = "none is required, and no data is never a pass"
    return Facts(
        sessions=max((each.sessions for each in judged), default=0),
        failed={each.name: each.reason for each in judged if each.state is State.FAIL},
        unsafe=unsafe,
        blocks=blocks,
        baseline_up=_usable(telemetry, "baseline"),
        candidate_up=_usable(telemetry, "candidate"),
        breaker_open=bool(breakers_open(telemetry)),
    )


def breakers_open(telemetry: Telemetry) -> int:
    """Gateway processes in which the candidate is out of the canary."""
    return int(sum(value for (value,) in telemetry.breaker_open.totals().values()))


def _usable(telemetry: Telemetry, arm: str) -> bool:
    """Whether some server of the arm is up in every gateway process; an arm nobody has looked at counts as up."""
    up = [value for (name, _), (value,) in telemetry.upstream_up.totals().items() if name == arm]
    return any(up) or not up


def identity_of(
    config: Config, analyzers: Iterable[Analyzer], salt: str, fingerprints: Mapping[str, str | None]
) -> dict[str, str]:
    """What evidence belongs to, by part. `fingerprints` says what each arm serves, None where that is not known.

    The session's name is part of it: named otherwise, a session would count twice. So is the client's, where that
    decides which sessions count.
    """
    session = config.session.model_dump(exclude={"salt_env"})
    if config.clients.identity and config.clients.sessions:
        session |= {"clients": config.clients.model_dump()}
    parts = {
        REVISION: config.candidate.revision,
        "guardrails": ", ".join(
            f"{name} {each.margin:g} weight {each.weight:g}{_part(each)}"
            for name, each in config.guardrails.items()
        ),
        "error rates": ", ".join(f"{name} {value}" for name, value in config.verdict.model_dump().items()),
        "analyzers": ", ".join(f"{each.name} {each.version}" for each in analyzers),
        "sessions": blake2b(orjson.dumps((salt, session)), digest_size=6).hexdigest(),
    }
    known = {f"{arm}.server": told for arm, told in fingerprints.items() if told is not None}
    return parts | known


def _part(guardrail: Guardrail) -> str:
    """What a guardrail counts, where that is not all that its name says."""
    of = f" of {guardrail.of}" if guardrail.of else ""
    return f"{of} in {guardrail.segment}" if guardrail.segment else of
