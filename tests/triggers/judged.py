"""A control whose verdict the test says."""

from __future__ import annotations

from proxy.control.control import Control
from verdict.judge import Judgement, State


def say(control: Control, state: State) -> None:
    """Have every guardrail be in this state."""
    said = Judgement("served", state, 400, 0.0, 0.0, 0.0, 0.01, "since the test says so")
    control.judgements = lambda *_: (said,)  # type: ignore[method-assign]
