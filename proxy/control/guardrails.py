"""Which measured variables each guardrail judges. One guardrail may hold several populations of one failure."""

from __future__ import annotations

from collections.abc import Iterable

_GUARDRAIL_OF = {"json.constrained": "json.invalid", "json.prompted": "json.invalid"}


def guardrail_of(variable: str) -> str:
    """The guardrail a variable counts for; its own name where it stands alone."""
    return _GUARDRAIL_OF.get(variable, variable)


def guardrails_of(variables: Iterable[str]) -> frozenset[str]:
    """The guardrails that these variables can feed."""
    return frozenset(guardrail_of(variable) for variable in variables)
