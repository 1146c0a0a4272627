"""What may be said of each guardrail so far, and of the candidate as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from typing import Any, Protocol

from verdict.evidence import Evidence
from verdict.forecast import Forecast, forecast
from verdict.guardrails import Guardrail, Levels

MINIMUM_SESSIONS = 30
"""Below this a rate is mostly noise, and nothing is said of it, unless it has failed."""
LARGEST_LOG = log(1e300)
"""E-values beyond are shown as this large: JSON has no infinity."""


class State(StrEnum):
    """The closed vocabulary of verdicts. No data is never a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"


class Rates(Protocol):
    """What was counted of one guardrail's sessions."""

    @property
    def count(self) -> int:
        """Sessions with an observation."""
        ...

    @property
    def baseline_rate(self) -> float | None:
        """Mean F of the baseline; None without sessions."""
        ...

    @property
    def candidate_rate(self) -> float | None:
        """Mean F of the candidate; None without sessions."""
        ...

    @property
    def slip(self) -> float | None:
        """Mean of X = F(candidate) - F(baseline); None without sessions."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """One guardrail's verdict. Rates, slip, bounds and margin are shares of sessions."""

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
    """For harm; `fail` at `threshold`."""
    threshold: float | None = None
    safe_e_value: float | None = None
    """`pass` at `safe_threshold`."""
    safe_threshold: float | None = None
    alpha: float | None = None
    """Its share of the probability of a false `fail`."""
    required: bool = True
    forecast: Forecast | None = None

    def row(self) -> dict[str, Any]:
        """The stable fields, in their stable order."""
        fields = ("sessions", "baseline_rate", "candidate_rate", "slip", "lower", "upper", "e_value")
        return {"name": self.name, "state": str(self.state)} | {field: getattr(self, field) for field in fields}

    def told(self) -> dict[str, Any]:
        """The stable fields, and all else that the verdict carries."""
        more = ("margin", "required", "alpha", "threshold", "safe_e_value", "safe_threshold", "reason")
        return (
            self.row()
            | {field: getattr(self, field) for field in more}
            | {
                "forecast": None if self.forecast is None else self.forecast.sessions,
            }
        )


def judge(guardrail: Guardrail, rates: Rates, evidence: Evidence, levels: Levels) -> Judgement:
    """One guardrail's state after these sessions."""
    state = _state(evidence, levels)
    lower, upper = evidence.interval(levels.safe) if evidence.known else (None, None)
    ahead = forecast(evidence, levels.safe) if state in (State.INCONCLUSIVE, State.NO_DATA) else None
    return Judgement(
        name=guardrail.name,
        state=state,
        sessions=rates.count,
        baseline_rate=rates.baseline_rate,
        candidate_rate=rates.candidate_rate,
        slip=rates.slip,
        lower=lower,
        upper=upper,
        e_value=_shown(evidence.harm_log_e),
        margin=guardrail.margin,
        required=guardrail.required,
        alpha=evidence.alpha,
        threshold=1 / evidence.alpha,
        safe_e_value=_shown(evidence.safe_log_e),
        safe_threshold=1 / levels.safe,
        reason=_reason(state, evidence, levels, ahead),
        forecast=ahead,
    )


def _shown(log_e: float) -> float:
    return exp(min(log_e, LARGEST_LOG))


def _state(evidence: Evidence, levels: Levels) -> State:
    if evidence.failed:
        return State.FAIL
    if evidence.known < MINIMUM_SESSIONS:
        return State.NO_DATA
    return State.PASS if evidence.safe(levels.safe) else State.INCONCLUSIVE


def _reason(state: State, evidence: Evidence, levels: Levels, ahead: Forecast | None) -> str:
    margin = f"the margin of {evidence.margin:.2%}"
    match state:
        case State.FAIL:
            bar = f"evidence {_number(_shown(evidence.harm_log_e))} of {_number(1 / evidence.alpha)}"
            return f"for a while at least, the slip exceeded {margin}: {bar}"
        case State.PASS:
            bar = f"evidence {_number(_shown(evidence.safe_log_e))} of {_number(1 / levels.safe)}"
            return f"the slip so far is below {margin}: {bar}"
        case State.NO_DATA:
            return f"{evidence.known} sessions of at least {MINIMUM_SESSIONS}"
        case State.INCONCLUSIVE:
            if ahead is None:
                return f"the slip so far is too near {margin} to say; as it goes, more sessions will not tell"
            return f"it may be on either side of {margin}; as it goes, it will {'fail' if ahead.fails else 'pass'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if 10 <= value < 1e6 else f"{value:.3g}"


def overall(judgements: Iterable[Judgement]) -> State:
    """The candidate's verdict.

    `fail` where any guardrail fails; `pass` where there are required ones and all of them pass; `no_data` where no
    guardrail has any.
    """
    every = tuple(judgements)
    states = {each.state for each in every}
    if State.FAIL in states:
        return State.FAIL
    if {each.state for each in every if each.required} == {State.PASS}:
        return State.PASS
    return State.NO_DATA if states <= {State.NO_DATA} else State.INCONCLUSIVE
