from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.sketch import ALIKE, K, likeness, sketch

WORDS = [f"w{number}" for number in range(5_000)]


def asks(text: str, system: str = "") -> dict[str, object]:
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": text}]}


def shingles(words: list[str]) -> set[tuple[str, ...]]:
    return set(zip(words, words[1:], words[2:], strict=False))


@pytest.mark.parametrize("changed", [0, 1, 3, 10, 40, 150])
def test_likeness_is_close_to_the_jaccard_similarity(changed: int) -> None:
    draw = random.Random(changed)
    errors = []
    for _ in range(20):
        one = draw.choices(WORDS, k=300)
        other = list(one)
        for at in draw.sample(range(300), changed):
            other[at] = draw.choice(WORDS)
        first, second = shingles(one), shingles(other)
        exact = len(first & second) / len(first | second)
        errors.append(likeness(sketch(asks(" ".join(one))), sketch(asks(" ".join(other)))) - exact)

    assert abs(sum(errors) / len(errors)) < 0.05
    assert max(map(abs, errors)) < 0.25


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("What is 12 + 30?", "what is  12 + 30 ?", True),
        ("What is 12 + 30?", "What is 12 + 31?", False),
        ("Write a poem about the sea and the wind", "Write a poem about the sea, and the wind", False),
        ("yes", "no", False),
        ("yes", "Yes", True),
        ("", "", False),
    ],
)
def test_case_and_spaces_make_no_difference_and_a_number_does(one: str, other: str, alike: bool) -> None:  # noqa: FBT001
    assert (likeness(sketch(asks(one)), sketch(asks(other))) >= ALIKE) is alike


def test_requests_that_share_a_long_system_prompt_are_not_the_same() -> None:
    system = " ".join(WORDS)

    assert likeness(sketch(asks("Who wrote Hamlet?", system)), sketch(asks("What is 12 + 30?", system))) == 0.0


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "one two three four"},
        {"input": "one two three four"},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "one two three four"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "one two three four"}, {"x": 1}]}]},
    ],
)
def test_the_words_are_found_in_every_api(body: dict[str, object]) -> None:
    assert likeness(sketch(body), sketch(asks("one two three four"))) == 1.0


@given(
    st.dictionaries(
        st.sampled_from(["messages", "input", "prompt"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["role", "content", "text"]), inner),
        ),
    )
)
def test_any_body_has_a_bounded_sketch(body: dict[str, object]) -> None:
    drawn = sketch(body)

    assert len(drawn) <= K
    assert list(drawn) == sorted(set(drawn))
    assert all(0 <= each < 2**63 for each in drawn)
