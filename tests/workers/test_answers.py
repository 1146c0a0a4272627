"""A child that has read hostile text may say anything; the parent believes only what a sound child says."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.finding import Finding, Outcome, Score
from analyzers.scoring import Bounds
from proxy.report import GAP_BUCKETS, Analysis, ArmReport, Missing
from proxy.workers import answers
from proxy.workers.answers import FAILED, FAILURES, NOT_APPLICABLE, Answers, GarbageError
from tests.workers.records import ANALYZERS, ANSWERS, READ, SLIPPED, exchange, record

SECONDS_AT = 8
ARMS_AT = SECONDS_AT + 2 * 8
LANGUAGE_AT = ARMS_AT + 3 * 40
OUTCOMES_AT = LANGUAGE_AT + 8
NEEDS_AT = OUTCOMES_AT + 2 * 29


def put(at: int, layout: str, *values: float | bytes) -> bytes:
    """A sound record but for these values."""
    changed = bytearray(record(1))
    struct.pack_into(layout, changed, at, *values)
    return bytes(changed)


def heard(said: bytes, *, repeated: bool = False) -> answers.Answer:
    """What the parent makes of a record that answers task 1."""
    return ANSWERS.read(said, 0, 1, repeated=repeated)


def test_a_sound_record_is_taken_as_it_was_meant() -> None:
    pair = replace(READ, candidate=exchange(0.004, 0.3, 99.0))
    outcomes, seconds, of_baseline, of_candidate, repeat, measurements, needs, *_ = heard(record(1, pair=pair))
    assert (measurements, needs) == ((), ())

    assert outcomes.findings == (SLIPPED,)
    assert outcomes.analyses == {"served": Analysis.SCORED, "json": Analysis.NOT_APPLICABLE}
    assert outcomes.timed == ((0, "served"),)
    assert seconds[0] == 0.1
    assert of_baseline == ArmReport()
    assert of_candidate.first_token == 0.5
    assert of_candidate.gap_seconds == pytest.approx(99.304)
    counted = dict(zip((*GAP_BUCKETS, math.inf), of_candidate.gaps, strict=True))
    assert {bound: count for bound, count in counted.items() if count} == {0.005: 1, 0.5: 1, math.inf: 1}
    assert repeat is None


def test_a_repeat_is_told_where_one_was_made() -> None:
    finding = replace(SLIPPED, repeat=Score(1.0, "broken"))
    said = record(1, finding=finding, pair=replace(READ, repeat=exchange(0.1)))
    outcomes, *_, repeat, _, _, _, _ = heard(said, repeated=True)

    assert outcomes.findings == (finding,)
    assert repeat is not None
    assert sum(repeat.gaps) == 1


@pytest.mark.parametrize("failure", FAILURES)
def test_why_an_analyzer_came_to_nothing_is_told(failure: str) -> None:
    outcomes, *_ = heard(ANSWERS.write(1, (FAILED[failure], NOT_APPLICABLE), (0.1, 0.1), READ))

    assert outcomes.analyses["served"] is Analysis.KILLED
    assert outcomes.failures == (("served", failure),)
    assert outcomes.timed == ()
    assert outcomes.findings == ()


def test_the_language_is_told_where_it_was_asked_for() -> None:
    said = ANSWERS.write(1, (NOT_APPLICABLE, NOT_APPLICABLE), (0.1, 0.1), READ, language="pt")

    assert (heard(said).language, heard(record(1)).language) == ("pt", "")


@pytest.mark.parametrize("failure", [None, "error"])
def test_what_the_slip_can_be_is_told(failure: str | None) -> None:
    said = ANSWERS.missing(0, Bounds("served", -1.0, 0.25), failure)
    outcomes, *_ = heard(ANSWERS.write(1, (said, NOT_APPLICABLE), (0.1, 0.1), READ))

    assert outcomes.missing == (Missing("served", "1", "served", -1.0, 0.25),)
    assert outcomes.analyses["served"] is Analysis.KILLED
    assert outcomes.failures == (() if failure is None else (("served", failure),))


UNSOUND = {
    "an answer to another task": put(0, "<Q", 2),
    "a negative time": put(SECONDS_AT, "<d", -0.1),
    "an endless time": put(SECONDS_AT, "<d", math.inf),
    "no time": put(SECONDS_AT, "<d", math.nan),
    "no time, behind a time": put(SECONDS_AT + 8, "<d", math.nan),
    "an unknown kind": put(OUTCOMES_AT, "<B", 7 + len(FAILURES)),
    "a measurement of an analyzer that makes none": put(OUTCOMES_AT, "<B", 4),
    "a reason beyond the last": put(OUTCOMES_AT + 29 + 1, "<B", 200),
    "needs that are not told": put(OUTCOMES_AT, "<B", 5),
    "a variable beyond the last": put(OUTCOMES_AT + 1, "<B", 1),
    "a score above 1": put(OUTCOMES_AT + 2, "<d", 1.5),
    "a score below 0": put(OUTCOMES_AT + 2, "<d", -0.5),
    "a score that is no number": put(OUTCOMES_AT + 2, "<d", math.nan),
    "a label beyond the last": put(OUTCOMES_AT + 10, "<B", 200),
    "a finding on a repeat that was not made": put(OUTCOMES_AT, "<B", 3),
    "a first token before the request": put(ARMS_AT, "<d", -0.5),
    "a first token that is no time": put(ARMS_AT, "<d", math.nan),
    "a slip below -1": put(OUTCOMES_AT, "<BBd", 6, 0, -1.5),
    "a slip of at least more than at most": put(OUTCOMES_AT, "<BBdBd", 6, 0, 1.0, 0, 0.5),
    "a slip of no variable": put(OUTCOMES_AT, "<BB", 6, 1),
    "a language that is none": put(LANGUAGE_AT, "<8s", b"Customer"),
    "endless gaps": put(ARMS_AT + 8, "<d", math.inf),
}


@pytest.mark.parametrize("said", UNSOUND)
def test_an_unsound_record_is_garbage(said: str) -> None:
    with pytest.raises(GarbageError):
        heard(UNSOUND[said])


BREACHES: list[Any] = [
    None,
    replace(SLIPPED, variable="customer text"),
    replace(SLIPPED, candidate=Score(1.0, "customer text")),
    replace(SLIPPED, baseline=Score(2.0)),
    replace(SLIPPED, baseline=Score(math.nan)),
    replace(SLIPPED, baseline=Score(True)),
    replace(SLIPPED, repeat=Score(0.0, "customer text")),
]


@pytest.mark.parametrize("finding", BREACHES)
def test_a_finding_that_breaks_the_analyzers_contract_is_never_written(finding: Any) -> None:
    with pytest.raises((ValueError, AttributeError)):
        ANSWERS.outcome(0, finding)


@given(st.binary(min_size=ANSWERS.size, max_size=ANSWERS.size), st.booleans())
def test_any_bytes_are_an_answer_within_the_contract_or_garbage(said: bytes, repeated: bool) -> None:  # noqa: FBT001
    number = int.from_bytes(said[:8], "little")
    try:
        outcomes, seconds, *_ = ANSWERS.read(said, 0, number, repeated=repeated)
    except GarbageError:
        return
    for finding in outcomes.findings:
        analyzer = next(each for each in ANALYZERS if each.name == finding.analyzer)
        assert finding.variable in analyzer.variables
        assert {finding.baseline.label, finding.candidate.label} <= analyzer.labels
        assert 0.0 <= finding.baseline.failed <= 1.0
    assert all(0.0 <= each < math.inf for each in seconds)


scores = st.builds(Score, st.floats(0, 1), st.sampled_from(sorted(ANALYZERS[0].labels)))


@given(scores, scores, st.none() | scores)
def test_every_finding_within_the_contract_comes_through(
    baseline: Score, candidate: Score, repeat: Score | None
) -> None:
    finding = Finding("served", "1", "served", baseline, candidate, repeat)
    (found,) = heard(record(1, finding=finding), repeated=True)[0].findings

    assert found == finding
    assert found.candidate.outcome in Outcome


def test_what_is_remembered_of_outcomes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "KNOWN", 3)
    codec = Answers(ANALYZERS)
    for number in range(10):
        said = record(1, finding=replace(SLIPPED, baseline=Score(number / 10)))
        outcomes, *_ = codec.read(said, 0, 1, repeated=False)
        assert outcomes.findings[0].baseline.failed == number / 10

    assert len(codec._known) <= 3
