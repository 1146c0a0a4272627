"""What a report says of each guardrail."""

from __future__ import annotations

import pytest

from analyzers.finding import Finding, Score
from proxy.config import Guardrail
from proxy.control import turns
from proxy.control.turns import Turns
from proxy.report import PASSED_OVER, Analysis, Missing, Report, Unmeasured
from verdict.sessions import Measured, Turn

VARIABLES = {"json": ("json.constrained", "json.prompted"), "served": ("served",), "language": ("language",)}
GUARDRAILS = {
    "json.invalid": Guardrail(margin=0.01),
    "served": Guardrail(margin=0.01),
    "json.tutoring": Guardrail(margin=0.02, of="json.invalid", segment="x-feature=tutoring"),
}
TUTORING = ("model=m", "x-feature=tutoring")


def finding(variable: str, baseline: float, candidate: float, repeat: Score | None = None) -> Finding:
    return Finding(variable.partition(".")[0], "1", variable, Score(baseline), Score(candidate), repeat)


def read(
    *findings: Finding, missing: tuple[Missing, ...] = (), segments: tuple[str, ...] = (), **analyses: Analysis
) -> Turn:
    report = Report("p", "s", 0.05, "candidate", "paired", analyses, {}, findings, missing=missing, arrival=7)
    return Turns(GUARDRAILS, VARIABLES).of(report._replace(segments=segments))


def test_a_finding_is_for_its_guardrail_with_what_is_known_of_the_session() -> None:
    found = read(
        finding("json.prompted", 0.0, 1.0, Score(0.25)), finding("language", 0.0, 1.0), segments=("model=m",)
    )

    assert found.measured == {"json.invalid": Measured(1.0, 1.0, 0.0, 1.0, 0.25)}
    assert found == Turn("s", 7, "candidate", found.measured, (), 0.05, ("model=m",))


def test_a_segment_that_is_a_guardrail_counts_its_own_alone() -> None:
    elsewhere = read(finding("json.prompted", 1.0, 0.0))
    there = read(finding("json.prompted", 1.0, 0.0), segments=TUTORING)

    assert set(elsewhere.measured) == {"json.invalid"}
    assert there.measured == dict.fromkeys(("json.invalid", "json.tutoring"), Measured(-1.0, -1.0, 1.0, 0.0))


LIMITED = Score(1.0, "http_429")


@pytest.mark.parametrize(
    ("baseline", "candidate", "measured"),
    [
        (LIMITED, Score(0.0), Measured(-1.0, 0.0)),
        (LIMITED, Score(1.0, "http_5xx"), Measured(0.0, 1.0)),
        (Score(0.0), LIMITED, Measured(0.0, 1.0)),
        (Score(1.0, "http_5xx"), LIMITED, Measured(-1.0, 0.0)),
        (LIMITED, LIMITED, Measured(0.0, 0.0, 1.0, 1.0)),
    ],
)
def test_a_429_of_one_arm_alone_is_for_neither_and_against_neither(
    baseline: Score, candidate: Score, measured: Measured
) -> None:
    assert read(Finding("served", "1", "served", baseline, candidate)).measured == {"served": measured}


def test_a_429_of_the_repeat_alone_says_nothing_of_the_baseline() -> None:
    told = Finding("served", "1", "served", Score(0.0), Score(0.0), LIMITED)
    assert read(told).measured == {"served": Measured(0.0, 0.0, 0.0, 0.0)}


def test_what_is_missing_is_bounded() -> None:
    found = read(missing=(Missing("json", "1", "json.constrained", -1.0, 0.5),), json=Analysis.KILLED)

    assert found.measured == {"json.invalid": Measured(-1.0, 0.5)}
    assert found.spoilt == ()


def test_what_was_dropped_spoils_the_guardrails_of_its_analyzer() -> None:
    assert read(json=Analysis.DROPPED, served=Analysis.KILLED).spoilt == ("json.invalid", "json.tutoring") * 2


def test_a_pair_that_was_passed_over_spoils_all() -> None:
    report = Unmeasured(7, "s", "baseline", "paired", TUTORING).report(PASSED_OVER)

    assert Turns(GUARDRAILS, VARIABLES).of(report) == Turn("s", 7, "baseline", {}, tuple(GUARDRAILS), 1.0, TUTORING)


def test_what_is_remembered_is_bounded_and_stays_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "KNOWN", 3)
    reader = Turns(GUARDRAILS, VARIABLES)
    kept = Report("p", "s", 1.0, "baseline", "paired", {}, {}, (finding("served", 0.0, 1.0),))
    for number in range(10):
        other = kept._replace(findings=(finding("served", number / 10, 0.0),))
        assert reader.of(kept).measured["served"].high == 1.0
        assert reader.of(other).measured["served"].low == -number / 10

    assert len(reader._known) <= 3
