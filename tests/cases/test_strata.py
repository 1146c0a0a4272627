from __future__ import annotations

from analyzers.finding import Finding, Measurement, Score
from cases.strata import BOTH, DIVERGENT, GAIN, SLIP, UNIFORM, places


def found(baseline: tuple[float, str], candidate: tuple[float, str]) -> dict[str, float]:
    finding = Finding("json", "1", "json.prompted", Score(*baseline), Score(*candidate))
    return dict(places((finding,), ()))


def test_every_pair_is_in_uniform_and_only_there_where_nothing_is_to_be_said_of_it() -> None:
    assert found((0.0, "ok"), (0.0, "ok")) == {UNIFORM: 1.0}


def test_a_failure_has_a_stratum_of_its_own_by_the_label_of_the_arm_that_failed() -> None:
    good, syntax, fenced = (0.0, "ok"), (1.0, "syntax"), (1.0, "fenced")

    assert found(good, syntax)["json.prompted:syntax"] == SLIP
    assert found(syntax, good)["json.prompted:syntax"] == GAIN
    assert found(fenced, syntax) == {UNIFORM: 1.0, "json.prompted:syntax": BOTH}


def test_the_further_apart_the_readier_it_is_kept() -> None:
    def weight(distance: float) -> float | None:
        return dict(places((), (Measurement("similarity", "1", (distance, 1.0, 0.0)),))).get(DIVERGENT)

    assert weight(0.0) is None
    assert weight(1.0) == 1.0
    assert weight(0.5) == 1 / 16
