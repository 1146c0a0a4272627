"""Turns as scripts."""

from __future__ import annotations

from verdict.sessions import Measured, Turn

SECOND = 1_000_000_000


def known(baseline: float, candidate: float, repeat: float | None = None) -> Measured:
    """X is known."""
    return Measured(candidate - baseline, candidate - baseline, baseline, candidate, repeat)


def turn(session: str, arrival: int, primary: str = "baseline", **measured: Measured) -> Turn:
    """A turn of these guardrails."""
    return Turn(session, arrival, primary, measured)
