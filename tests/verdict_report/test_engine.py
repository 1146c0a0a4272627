"""The simulation and the code that judges give the same numbers on the same sessions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from verdict.bets import SAFE_STAKES, stakes
from verdict.evidence import Evidence
from verdict.guardrails import Guardrail
from verdict.late import LateSlip
from verdict_report import engine
from verdict_report.traffic import Behaviour, drawn, least, observed, steady

RUNS = 12
SESSIONS = 600


def independent() -> np.ndarray:
    return np.concatenate(list(drawn(np.random.default_rng(1), steady(0.08, 0.02), SESSIONS, RUNS)))


def played() -> np.ndarray:
    behaviour = Behaviour(0.5, 0.9, 0.01, 0.3)
    return np.concatenate(list(observed(np.random.default_rng(2), behaviour, least, SESSIONS, RUNS)))


def fractional() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.choice([-1, -0.5, 0, 0, 0, 0, 0.25, 1], size=(SESSIONS, RUNS))


@pytest.mark.parametrize("margin", [0.0, 0.01])
@pytest.mark.parametrize("traffic", [independent, played, fractional])
def test_harm_fails_at_the_same_session_with_the_same_e_value(
    traffic: Callable[[], np.ndarray], margin: float
) -> None:
    x = traffic()
    every = engine.Harm(RUNS, margin, (100.0, 1e300), SESSIONS)
    every.fold(x)
    values = every.e_value(np.arange(RUNS))

    for run in range(RUNS):
        failing, going = Evidence(margin, 0.01), Evidence(margin, 1e-300)
        failed = 0
        for number, each in enumerate(x[:, run].tolist(), 1):
            failing.observe(each, each)
            going.observe(each, each)
            failed = failed or number * failing.failed
        assert every.stopped[0, run] == failed
        assert np.log(values[run]) == pytest.approx(going.harm_log_e, abs=1e-9)
    assert traffic is not independent or (every.stopped[0] > 0).any()


@pytest.mark.parametrize("margin", [0.0, 0.01])
def test_safe_and_the_bounds_are_the_same(margin: float) -> None:
    x = independent()
    above, below = (
        engine.Constant(RUNS, staked, side, 0.03) for side, staked in ((-1, SAFE_STAKES), (1, stakes(margin)))
    )
    for row in x:
        above.fold(row)
        below.fold(row)
    safe = np.log(above.e_value(margin))

    for run in range(RUNS):
        evidence = Evidence(margin, 0.01)
        for each in x[:, run].tolist():
            evidence.observe(each, each)
        assert safe[run] == pytest.approx(evidence.safe_log_e, abs=1e-9)
        evidence.failed = True  # the lower bound as the bets have it
        lower, upper = evidence.interval(0.05)
        for slip in (0.0, 0.01, 0.03, 0.05, 0.1):
            assert (below.e_value(slip)[run] >= 200) == (lower > slip)
            assert (above.e_value(slip)[run] >= 20) == (upper < slip)


def test_the_alert_has_the_same_value() -> None:
    x = fractional().reshape(SESSIONS, 3, 4)
    every = engine.LateSlip(3, 4, 0.01)
    guardrails = [Guardrail(str(place), 0.01, 1 / 4, required=True) for place in range(4)]
    single = [LateSlip(guardrails, 1e300) for _ in range(3)]
    values = np.zeros(3)
    for row in x:
        values = every.fold(row)
        for late, run in zip(single, row.tolist(), strict=True):
            for place, each in enumerate(run):
                late.observe(str(place), each)

    assert values == pytest.approx([late.value for late in single], rel=1e-9)
