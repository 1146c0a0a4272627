"""What judging costs, by the processor's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from verdict.evidence import Evidence
from verdict.guardrails import Guardrail
from verdict.late import LateSlip
from verdict_report.figures import rng

SESSIONS = 50_000


def measure() -> dict[str, Any]:
    """Microseconds a session of one guardrail, and a reading of it."""
    evidence = Evidence(0.005, 0.01)
    late = LateSlip([Guardrail("served", 0.005, 1.0, required=True)], 100_000)
    x = rng(8).choice([-1.0, 0.0, 1.0], p=[0.01, 0.98, 0.01], size=SESSIONS).tolist()
    return {
        "evidence": _each(lambda each: evidence.observe(each, each), x),
        "late": _each(lambda each: late.observe("served", each), x),
        "reading": _each(lambda _: evidence.interval(0.05), x[:500]),
    }


def _each(do: Callable[[float], object], values: list[float]) -> float:
    """The median of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for value in values:
            do(value)
        rounds.append((time.process_time() - began) / len(values) * 1e6)
    return sorted(rounds)[2]
