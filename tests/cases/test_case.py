from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.finding import Finding, Measurement, Score
from analyzers.pair import Choice, ToolCall
from cases.case import Answer, Case, CaseError, Judged, Label, Stratum, dumps, loads

CASE = Case(
    pair_id="p1",
    at="2026-01-02T03:04:05Z",
    subject="s1",
    session="k1",
    primary="baseline",
    state="paired",
    inclusion=0.05,
    revision="1",
    path="/v1/chat/completions",
    request={"messages": [{"role": "user", "content": "12 + 30?"}]},
    headers={"x-feature": "tutor"},
    baseline=Answer("complete", 200, (Choice("42"),), 4, 1, 0.1, 0.2),
    candidate=Answer("complete", 200, (Choice("63", tool_calls=(ToolCall("add", "{}"),), finish_reason="stop"),)),
    repeat=Answer("deadline"),
    findings=(Finding("math.checked", "2", "math.checked", Score(0.0), Score(1.0, "wrong_answer"), None),),
    measurements=(Measurement("similarity", "1", (0.5, 0.25), (0.1, 0.0)),),
    segments=("streaming=no",),
    redacted={"email": 2},
    strata=(Stratum("uniform", 0.25),),
    labels=(Label(Judged.SLIP, "ada", "2026-01-03T00:00:00Z", "off by 21"),),
)


@pytest.mark.parametrize("case", [CASE, replace(CASE, repeat=None, texts=False, findings=(), labels=())])
def test_a_case_comes_back_as_it_was(case: Case) -> None:
    assert loads(dumps(case)) == case


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", dumps(CASE)[:-9], dumps(CASE).replace(b'"slip"', b'"bad"')])
def test_what_is_no_case_is_refused_without_its_words(body: bytes) -> None:
    with pytest.raises(CaseError, match=r"^not a case$"):
        loads(body)


def test_a_reviewers_later_label_replaces_the_earlier_one_and_no_others() -> None:
    other, later = Label(Judged.NOISE, "bob", "t"), Label(Judged.BOTH_BAD, "ada", "t")

    assert CASE.labelled(other).labelled(later).labels == (other, later)
