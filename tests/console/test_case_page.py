from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.pair import Choice, ToolCall
from cases.case import Answer, Judged, Label
from proxy.control.console.case_page import Place, case_page
from proxy.control.console.compared import COMPARED, DIFFERENT, SHOWN, compared
from proxy.control.console.conversation import Turn, asked, turns
from proxy.control.console.labelling import KEYS
from proxy.control.console.layout import Frame
from tests.console.made import ASKED, case, repeated
from tests.console.test_markup import HOSTILE, read

FRAME = Frame("1.2.3", "int4-2026-11", "f0rm")
PLACE = Place("/cases?order=divergent", None, "/cases/p2?order=divergent", "?order=divergent")


def words(page: str) -> str:
    return " ".join(" ".join(read(page).apart).split())


def test_both_answers_stand_side_by_side_with_the_words_that_differ() -> None:
    page = case_page(FRAME, case(), PLACE)

    assert f">{ASKED}</div>" in page
    assert '12 + 30 + 41 is <mark class="ours">83</mark>.' in page
    assert '12 + 30 + 41 is <mark class="theirs">63</mark>.' in page
    assert '<h1 class="case-title">math.checked: the final answer is wrong</h1>' in page


def test_it_says_where_the_first_token_parted_and_what_was_redacted() -> None:
    said = words(case_page(FRAME, case(), PLACE))

    assert "is 50.0 % into the answer, at about token 11 of 20." in said
    assert "prefers its own by 4.0 %: a near tie" in said
    assert "Redacted before it was kept 2 email" in said
    assert "uniform (one for about 10.0 pairs)" in said


def test_the_control_answer_shows_what_difference_means_nothing() -> None:
    same = words(case_page(FRAME, repeated(case(), "12 + 30 + 41 is 83."), PLACE))
    other = case_page(FRAME, repeated(case(), "It is 83."), PLACE)

    assert "the baseline says the same" in same
    assert "the baseline itself answers otherwise" in other
    assert '<mark class="ours">12 + 30 + 41</mark>' in other


def test_json_answers_are_compared_by_path() -> None:
    page = words(case_page(FRAME, case("p", '{"a": 1, "b": 2}', '{"a": 1, "b": 3}'), PLACE))

    assert "1 place differs. Differences of the JSON answers by path Path Baseline Candidate $.b 2 3" in page


def test_labels_are_shown_and_asked_for_where_they_may_be_given() -> None:
    labelled = case().labelled(Label(Judged.SLIP, "ada", "2026-11-02T09:00:00+00:00", "off by 20", "math.checked"))
    page = case_page(FRAME, labelled, PLACE)
    reading = case_page(FRAME._replace(may_change=False), labelled, PLACE)

    assert "slip of math.checked, said ada, 2026-11-02 09:00:00 UTC : off by 20" in words(page)
    assert all(
        f'value="{judged}" data-key="{key}" aria-keyshortcuts="{key}"' in page for judged, key in KEYS.items()
    )
    assert 'action="/cases/p1/label?order=divergent"' in page
    assert "<button" not in reading
    assert "with the operator token to label." in words(reading)


def test_neighbours_are_those_of_the_filter() -> None:
    page = case_page(FRAME, case(), PLACE)

    assert 'href="/cases/p2?order=divergent" rel="next"' in page
    assert 'rel="prev"' not in page


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_text_is_shown_as_text_wherever_it_stands(said: str) -> None:
    hostile = replace(
        case(said, said, said + "x", asked=said),
        path=said,
        revision=said,
        redacted={said: 1},
        segments=(said,),
        labels=(Label(Judged.SLIP, said, said, said, said),),
        candidate=Answer(said, 200, (Choice(said, said, (ToolCall(said, said),), said),)),
    )
    plain = {name for name, _ in read(case_page(FRAME, case(), PLACE)).tags}
    found = read(case_page(FRAME, hostile, PLACE)).tags

    assert {name for name, _ in found} <= plain | {"span", "q", "ul"}
    assert [name for name, _ in found].count("script") == 1
    assert not [attr for _, attrs in found for attr, _ in attrs if attr.startswith("on") or attr == "style"]


def test_a_huge_answer_is_cut_and_says_so() -> None:
    huge = "a" * 1_000_000
    left, right = compared(huge, huge[:-1] + "b")
    whole = case_page(FRAME, case("p", huge, "b" * 1_000_000, asked=huge), PLACE)

    assert f"The first {COMPARED:,} of 1,000,000 characters were compared." in left
    assert "characters, the same on both sides, left out" in right
    assert f"{COMPARED - DIFFERENT:,} characters left out" in words(whole)
    assert len(whole) < 5 * SHOWN
    assert 'href="/cases/p/text/candidate"' in whole


def test_many_small_differences_are_cut_as_well() -> None:
    left, _ = compared("ab cd " * 16_000, "ab ce " * 16_000)

    assert len(left) < 30 * SHOWN


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prompt": "p"}, [("user", "p")]),
        ({"prompt": ["p", "q"]}, [("user", "p"), ("user", "q")]),
        (
            {"system": "s", "messages": [{"role": "user", "content": [{"type": "text", "text": "t"}]}]},
            [("system", "s"), ("user", "t")],
        ),
        ({"instructions": "i", "input": "p"}, [("system", "i"), ("user", "p")]),
        ({"input": [{"type": "function_call_output", "output": "o"}]}, [("function_call_output", "o")]),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]}, [("assistant", '{\n  "id": "1"\n}')]),
        ({"messages": [3, {"role": 4}]}, [("user", "3"), ("4", "")]),
        ({"messages": None}, []),
    ],
)
def test_what_was_asked_is_read_from_every_api(body: dict[str, object], said: list[tuple[str, str]]) -> None:
    assert turns(body) == [Turn(*each) for each in said]
    assert isinstance(asked(body), str)
