from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import degeneration
from analyzers.beginnings import beginnings, may_have
from analyzers.code import asked as code
from analyzers.language import asked as language
from analyzers.refusal import asking

SEARCHED: dict[str, tuple[re.Pattern[str], tuple[frozenset[str], ...]]] = {
    **asking._SEARCHED,
    "language named": (language._NAMED, (language._NAMED_WORDS,)),
    "translate": (language._TRANSLATE, (language._TRANSLATE_WORDS,)),
    "code": (code._ORDER, (code._ORDER_WORDS,)),
    "repetition": (degeneration._REPEAT, (degeneration._REPEAT_WORDS,)),
}


@pytest.mark.parametrize("name", SEARCHED)
@given(data=st.data())
@settings(max_examples=200)
def test_whatever_a_pattern_finds_has_one_of_its_words(name: str, data: st.DataObject) -> None:
    pattern, needed = SEARCHED[name]
    text = data.draw(st.from_regex(pattern))
    assert all(may_have(text, words) for words in needed)


def test_a_short_word_is_told_whole_and_a_long_one_by_its_beginning() -> None:
    assert may_have("A bomb.", beginnings("bomb"))
    assert not may_have("A bomber.", beginnings("bomb"))
    assert may_have("KIDNAPPING?", beginnings("kidnap"))
    assert not may_have("unkidnapped", beginnings("kidnap"))
    assert may_have("it robs", beginnings("rob", endings=("", "s")))


def test_a_text_that_is_not_ascii_may_have_any_word() -> None:
    assert may_have("\u017fong", beginnings("song"))
    assert may_have("\u00e9", frozenset())
