from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.control.console.words import MOST_WORDS, differences

TEXTS = st.text(alphabet="ab ,\n", max_size=60)


@given(TEXTS | st.text(max_size=40), TEXTS | st.text(max_size=40))
def test_the_pieces_are_the_texts_and_the_same_is_the_same(baseline: str, candidate: str) -> None:
    pieces = differences(baseline, candidate)

    assert "".join(each.baseline for each in pieces) == baseline
    assert "".join(each.candidate for each in pieces) == candidate
    assert all(each.baseline == each.candidate for each in pieces if each.same)
    assert all(one.same != other.same for one, other in pairwise(pieces))


def test_only_the_words_that_differ_differ() -> None:
    pieces = differences("The sum is 83, so 83.", "The sum is 63, so 83.")

    assert [(each.baseline, each.candidate) for each in pieces if not each.same] == [("83", "63")]


def test_a_blank_between_two_differences_belongs_to_them() -> None:
    pieces = differences("one two end", "six ten end")

    assert [(each.same, each.baseline, each.candidate) for each in pieces] == [
        (False, "one two", "six ten"),
        (True, " end", " end"),
    ]


def test_long_texts_are_compared_by_lines_and_longer_ones_from_the_first_difference_to_the_last() -> None:
    lines = [f"{'word ' * 6}{number}" for number in range(MOST_WORDS // 4)]
    by_line = differences("\n".join(["x", *lines, "y"]), "\n".join(["z", *lines, "w"]))
    words = " ".join(f"{number}" for number in range(MOST_WORDS))
    whole = differences(f"x {words} y", f"z {words} w")

    assert [each.same for each in by_line] == [False, True, False]
    assert [each.same for each in whole] == [False]
