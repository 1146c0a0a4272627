from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import case as case_form
from cases.case import CaseError
from proxy.offer import Offer, case_of, dumps, loads
from proxy.report import Analysis, Report, ReportError
from tests.cases.made import case, finding

SLIP = finding("math.checked", baseline=False, candidate=True)
REPORT = Report(
    *("p1", "session", 0.25, "candidate", "paired"),
    analyses={"math.checked": Analysis.SCORED},
    seconds={},
    findings=(SLIP,),
    arrival=1_767_323_045_678_000_000,
    segments=("model=m",),
)
OFFER = Offer(REPORT, "a" * 32, case_form.dumps(case("p1")))


def test_an_offer_comes_back_as_it_was() -> None:
    assert loads(dumps(OFFER)) == OFFER


@given(st.binary(max_size=200) | st.integers(0, 400).map(lambda cut: dumps(OFFER)[:cut]))
def test_bytes_that_are_no_offer_are_refused(body: bytes) -> None:
    try:
        offer = loads(body)
    except ReportError:
        return
    with pytest.raises(CaseError):  # cut within the words
        case_of(offer, "1")


@pytest.mark.parametrize("subject", ["", "a" * 65, "../x", "\x1b[2J"])
def test_a_subject_that_is_none_is_refused(subject: str) -> None:
    with pytest.raises(ReportError):
        loads(dumps(OFFER._replace(subject=subject)))


def test_all_but_the_words_is_taken_from_what_the_gateway_knows() -> None:
    """A process that has read hostile text wrote the body: it may not say whose it is, or what was found."""
    forged = replace(
        case("p1", finding("served", baseline=True, candidate=True), subject="somebody else"),
        session="another",
        duplicates=99,
        revision="7",
    )

    made = case_of(OFFER._replace(body=case_form.dumps(forged)), "2")

    assert (made.subject, made.session, made.revision, made.duplicates) == ("a" * 32, "session", "2", 0)
    assert (made.findings, made.segments, made.inclusion) == ((SLIP,), ("model=m",), 0.25)
    assert made.at == "2026-01-02T03:04:05.678Z"


def test_a_case_of_another_pair_is_refused() -> None:
    with pytest.raises(CaseError, match="another pair"):
        case_of(OFFER._replace(body=case_form.dumps(case("p2"))), "1")
