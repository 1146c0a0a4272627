from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzers.finding import Finding, Score
from cases.case import CaseError, Judged, Label, Stratum
from cases.incoming import checked
from cases.redaction import redact_again
from tests.cases.test_case import CASE

LABEL = Label(Judged.SLIP, "ada", "2026-01-03T00:00:00Z")


def test_a_sound_case_comes_in_with_its_time_as_the_pool_writes_it() -> None:
    assert checked(CASE) == replace(CASE, at="2026-01-02T03:04:05.000Z")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"subject": "carol@hidden.example"}, "^subject should be"),
        ({"revision": "x" * 1_000}, "^revision should be"),
        ({"at": "zzzz"}, "^a time should be ISO 8601"),
        ({"segments": ("no segment",)}, "^segments should be"),
        ({"labels": (replace(LABEL, note="x" * 1_001),)}, "^a label has a note"),
        ({"labels": (replace(LABEL, by="x" * 65),)}, "^a label has a note"),
        ({"labels": (replace(LABEL, analyzer="bob@mail.example is ill"),)}, "^a label is about"),
        (
            {"findings": (Finding("math.checked", "1", "any text", Score(0.0), Score(1.0)),)},
            "^a finding or a stratum",
        ),
        ({"strata": (Stratum("any text", 0.5),)}, "^a finding or a stratum"),
        ({"baseline": replace(CASE.baseline, duration=float("nan"))}, "^holds a number"),
        ({"request": {"seed": 1 << 70}}, "^holds a number"),
        ({"candidate": replace(CASE.candidate, completion_tokens=1 << 64)}, "^holds a number"),
        ({"candidate": replace(CASE.candidate, end="vanished")}, "^an answer's end should be one of complete, "),
        ({"duplicates": (1 << 64) - 1}, "^duplicates should be"),
        ({"duplicates": -1}, "^duplicates should be"),
    ],
)
def test_what_the_pool_would_never_have_made_is_refused_with_why(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(CaseError, match=why):
        checked(replace(CASE, **changes))


def test_a_case_that_says_it_has_no_texts_is_not_believed() -> None:
    assert "12 + 30" in str(redact_again(CASE).request)
    for claimed, store_text in ((False, True), (True, False)):
        case = redact_again(replace(CASE, texts=claimed), store_text=store_text)
        assert not case.texts
        assert "12 + 30" not in str(case.request)
        assert [choice.text for choice in case.baseline.choices] == [""]
