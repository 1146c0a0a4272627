"""What may be said of each guardrail so far. Pure.

This judge describes and never decides: it tells `no_data` from `inconclusive`, and has no evidence on which to say
`pass` or `fail`. Interval and e-value are therefore None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proxy.control.tables import Sessions

MINIMUM_SESSIONS = 30
"""Below this a rate is mostly noise, and nothing is said of it."""


class State(StrEnum):
    """The closed vocabulary of verdicts. No data is never a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"


class Stage(StrEnum):
    """How much live traffic the candidate answers."""

    SHADOW = "shadow"
    CANARY = "canary"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One guardrail's verdict. Rates, slip and margin are shares of sessions."""

    name: str
    state: State
    sessions: int
    baseline_rate: float | None
    candidate_rate: float | None
    slip: float | None
    margin: float
    reason: str
    lower: float | None = None
    upper: float | None = None
    e_value: float | None = None

    def row(self) -> dict[str, Any]:
        """The stable fields, in their stable order."""
        fields = ("sessions", "baseline_rate", "candidate_rate", "slip", "lower", "upper", "e_value")
        return {"name": self.name, "state": str(self.state)} | {field: getattr(self, field) for field in fields}


def judge(name: str, sessions: Sessions, margin: float) -> Judgement:
    """One guardrail's state after these sessions."""
    if sessions.count < MINIMUM_SESSIONS:
        state, reason = State.NO_DATA, f"{sessions.count} sessions of at least {MINIMUM_SESSIONS}"
    else:
        state, reason = State.INCONCLUSIVE, "counted, not yet judged: no test is made of these counts"
    return Judgement(
        name=name,
        state=state,
        sessions=sessions.count,
        baseline_rate=sessions.baseline_rate,
        candidate_rate=sessions.candidate_rate,
        slip=sessions.slip,
        margin=margin,
        reason=reason,
    )


def judge_all(guardrails: Mapping[str, Sessions], margins: Mapping[str, float]) -> tuple[Judgement, ...]:
    """Every guardrail's state, in the order of `margins`."""
    return tuple(judge(name, guardrails[name], margin) for name, margin in margins.items())


def overall(judgements: Iterable[Judgement]) -> State:
    """The candidate's verdict: fail where any guardrail fails, pass where all pass, no_data where none has any."""
    states = {judgement.state for judgement in judgements}
    if State.FAIL in states:
        return State.FAIL
    if states == {State.PASS}:
        return State.PASS
    return State.NO_DATA if states <= {State.NO_DATA} else State.INCONCLUSIVE
