from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.finding import Finding, Measurement, Score
from analyzers.pair import Choice
from cases.case import Answer, Case, Judged, Label, Stratum
from cases.divergence import divergence
from cases.filter import Filter, FilterError, Order, after, cursor, place, read

CASE = Case(
    pair_id="p-1",
    at="2026-01-02T03:04:05Z",
    subject="s",
    session="k",
    primary="baseline",
    state="paired",
    inclusion=0.05,
    revision="1",
    path="/v1/chat/completions",
    request={},
    headers={},
    baseline=Answer("complete", 200, (Choice("42"),)),
    candidate=Answer("complete", 200, (Choice("63"),)),
    findings=(
        Finding("math.checked", "2", "math.checked", Score(0.0), Score(1.0, "wrong_answer")),
        Finding("degeneration", "1", "degeneration", Score(0.0), Score(0.0)),
    ),
    measurements=(Measurement("similarity", "1", (0.25, 0.5, 0.0)),),
    segments=("model=m", "streaming=no"),
    strata=(Stratum("uniform", 0.25),),
)


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        (Filter(), True),
        (Filter(analyzer="math.checked"), True),
        (Filter(analyzer="degeneration"), False),
        (Filter(variable="math.checked", label="wrong_answer"), True),
        (Filter(analyzer="degeneration", label="wrong_answer"), False),
        (Filter(segment="model=m"), True),
        (Filter(segment="model=n"), False),
        (Filter(stratum="uniform"), True),
        (Filter(stratum="divergent"), False),
        (Filter(judged="none"), True),
        (Filter(judged="slip"), False),
    ],
)
def test_a_case_is_wanted_where_all_holds_that_is_asked(wanted: Filter, held: bool) -> None:  # noqa: FBT001
    assert wanted.holds(CASE) is held


def test_a_label_is_found_and_an_unlabelled_case_no_more() -> None:
    labelled = CASE.labelled(Label(Judged.SLIP, "ada", "t"))

    assert Filter(judged="slip").holds(labelled)
    assert not Filter(judged="none").holds(labelled)


def test_token_divergence_comes_before_similarity_and_nothing_measured_is_no_divergence() -> None:
    both = replace(
        CASE, measurements=(*CASE.measurements, Measurement("token_divergence", "1", (0.1, 0.2, 0.75, 0.3, 1.0)))
    )

    assert divergence(CASE.measurements) == 0.25
    assert divergence(both.measurements) == 0.75
    assert divergence(()) == 0.0


@pytest.mark.parametrize("order", list(Order))
def test_a_cursor_is_the_place_of_its_case(order: Order) -> None:
    given = read({"order": str(order), "before": cursor(CASE, order)})

    assert after(given) == place(CASE, order)


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ({"colour": "red"}, "there are analyzer, variable, label"),
        ({"judged": "maybe"}, "one of slip, noise, both_bad, analyzer_wrong, none"),
        ({"order": "oldest"}, "newest, divergent"),
        ({"limit": "0"}, "whole number from 1 to 1000"),
        ({"limit": "many"}, "whole number from 1 to 1000"),
        ({"order": "divergent", "before": "yesterday~p"}, "cursor"),
        ({"order": "divergent", "before": "2026-01-02T03:04:05Z~p-1"}, "cursor"),
        ({"order": "divergent", "before": "nan~p"}, "cursor"),
        ({"order": "divergent", "before": "0.500000~"}, "cursor"),
        ({"before": "zz"}, "cursor"),
        ({"before": "0.500000~p-1"}, "cursor"),
        ({"before": "2026-01-02T03:04:05Z~"}, "cursor"),
        ({"label": "\x1b[31m"}, "without control characters"),
        ({"label": ""}, "1 to 256"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(query: dict[str, str], right: str) -> None:
    with pytest.raises(FilterError, match=right):
        read(query)
