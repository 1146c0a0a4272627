"""The guardrails: what each judges, how large a slip it tolerates, and its share of the error rate. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Protocol

_GUARDRAIL_OF = dict.fromkeys(("json.constrained", "json.prompted", "json.tools", "json.ignored"), "json.invalid")


@dataclass(frozen=True, slots=True)
class Levels:
    """How often a verdict may be wrong. Each holds over all time, however often anyone looks."""

    harm: float = 0.01
    """Probability that any guardrail ever fails although no slip ever exceeded its margin; shared by weight."""
    safe: float = 0.05
    """Probability that a guardrail is ever said to be safe while its slip is its margin or more; not shared."""
    repeat: float = 0.01
    """Probability that an A/A alarm is ever raised between identical answers; shared by weight."""
    run_length: float = 100_000
    """Sessions until a false alert of the late-slip detector, at least and on average."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A named slip with a margin that may not be exceeded."""

    name: str
    margin: float
    """Largest slip that is tolerated, as a share of sessions."""
    weight: float
    """Its share of the error rate; those of all guardrails sum to 1."""
    required: bool
    """Whether the candidate as a whole passes only with it. Each may fail it."""


class Declared(Protocol):
    """What an operator declares of one guardrail."""

    @property
    def margin(self) -> float:
        """See `Guardrail.margin`."""
        ...

    @property
    def weight(self) -> float:
        """Relative to those of the others."""
        ...

    @property
    def required(self) -> bool:
        """See `Guardrail.required`."""
        ...


def build(declared: Mapping[str, Declared]) -> tuple[Guardrail, ...]:
    """The guardrails as declared, in that order, with weights that sum to 1."""
    total = fsum(each.weight for each in declared.values())
    return tuple(
        Guardrail(name, each.margin, each.weight / total, each.required) for name, each in declared.items()
    )


def guardrail_of(variable: str) -> str:
    """The guardrail a variable counts for; its own name where it stands alone."""
    return _GUARDRAIL_OF.get(variable, variable)


def guardrails_of(variables: Iterable[str]) -> frozenset[str]:
    """The guardrails that these variables can feed."""
    return frozenset(guardrail_of(variable) for variable in variables)
