"""The sections of the rollout and of who is told of it: `docs/rollout.md` says how it goes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from proxy.config_section import Section, any_url


class Patience(Section):
    """The least it takes to leave a step of the rollout."""

    seconds: Annotated[float, Field(ge=0, le=31_536_000)] = Field(
        3_600.0, description="Least time in this step; only time in which the candidate could serve counts."
    )
    sessions: Annotated[int, Field(ge=0)] = Field(300, description="Fewest sessions measured in this step.")


class Shadow(Patience):
    """The first step, in which the candidate answers nobody."""

    sessions: Annotated[int, Field(ge=0)] = Field(1_000, description="Fewest sessions measured in this step.")


class CanaryStep(Patience):
    """One step of the canary."""

    weight: Annotated[float, Field(gt=0, lt=1)] = Field(description="Share of sessions that the candidate answers.")


class Rollout(Section):
    """How the candidate comes to answer live traffic."""

    owner: Literal["slipgauge", "external"] = Field(
        "slipgauge", description="Who shifts the traffic; external: somebody else does, and asks or is told."
    )
    advance: Literal["manual", "auto"] = Field(
        "manual", description="Whether it takes its steps on command, or by itself where nothing stands against it."
    )
    shadow: Shadow = Shadow()
    canary: tuple[CanaryStep, ...] = Field(
        (CanaryStep(weight=0.01), CanaryStep(weight=0.1), CanaryStep(weight=0.5)),
        description="The steps from shadow to promoted: rising shares of sessions, each with seconds and sessions.",
    )
    silence: Annotated[float, Field(ge=2, le=86_400)] = Field(
        10.0,
        description="A gateway that has not heard from control for this long gives all sessions to the baseline.",
    )


class Webhook(Section):
    """Somebody who is told of every change."""

    url: Annotated[str, AfterValidator(any_url)] = Field(description="Where it is sent, by POST.")
    secret_env: str | None = Field(
        None, description="Environment variable with the secret that signs it; unsigned where left out."
    )


class Triggers(Section):
    """Who is told what happens to the rollout."""

    webhooks: tuple[Webhook, ...] = Field(
        (), description="Where every change is sent: a list of sections with url and secret_env."
    )
    command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="A program, with its arguments, that is run on every change, which it reads from its input."
    )
