from __future__ import annotations

import pytest

from cases.filter import Filter, Order
from proxy.control.console.case_list import Listed, Offered, case_list, query
from proxy.control.console.layout import Frame
from tests.console.made import case
from tests.console.test_markup import HOSTILE, read

FRAME = Frame("1.2.3", "int4-2026-11", "f0rm")
OFFERED = Offered(
    ("math.checked",), ("math.checked",), ("wrong_answer",), ("language=en",), ("uniform",), ("jsonl",)
)


def test_a_row_shows_what_failed_and_where_the_answers_part() -> None:
    long = "word " * 100
    found = Listed(Filter(), [case("p/1", long + "is 83", long + "is 63")], None, 1)
    words = " ".join(read(case_list(FRAME, found, OFFERED)).words.split())

    assert "math.checked: the final answer is wrong" in words
    assert "…rd word word word is 83" in words or "word word word is 83" in words
    assert 'href="/cases/p%2F1"' in case_list(FRAME, found, OFFERED)


def test_what_is_filtered_stays_filtered_on_every_link() -> None:
    wanted = Filter(variable="math.checked", order=Order.DIVERGENT)
    page = case_list(FRAME, Listed(wanted, [case()], "0.5~p1", 9), OFFERED)

    assert 'href="/cases/p1?variable=math.checked&amp;order=divergent"' in page
    assert 'href="/cases?variable=math.checked&amp;order=divergent&amp;before=0.5~p1" rel="next"' in page
    assert '<option value="math.checked" selected>math.checked</option>' in page
    assert '<input type="hidden" name="variable" value="math.checked">' in page


def test_where_nothing_is_found_nothing_can_be_exported_and_a_link_leads_back() -> None:
    page = case_list(FRAME, Listed(Filter(judged="slip"), [], None, 9), OFFERED)

    assert 'No case is like that. <a href="/cases">Show all</a>' in page
    assert 'action="/cases/export"' not in page


def test_a_filter_that_says_nothing_is_no_query() -> None:
    assert query(Filter()) == ""
    assert query(Filter(), order="divergent") == "?order=divergent"
    assert query(Filter(before="x"), before=None) == ""


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_text_is_shown_as_text(said: str) -> None:
    page = case_list(
        FRAME,
        Listed(
            Filter(segment=said),
            [case("p", said, said + "x", asked=said)],
            said.encode("utf-8", "replace").decode(),
            1,
        ),
        OFFERED,
    )
    found = read(page).tags

    assert [name for name, _ in found].count("script") == 1
    assert {"img", "svg", "textarea"}.isdisjoint({name for name, _ in found})
