"""What holds of any text: JSON stays JSON, found values are gone, and what has been redacted stays as it is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cases.redaction.spans import find
from cases.redaction.texts import Texts

PRIVATE = (
    *("ada@example.org", "+49 30 1234567", "4111 1111 1111 1111", "DE89370400440532013000", "078-05-1120"),
    *("203.0.113.7", "sk-proj-abcdefghijklmnopqrstuv", "postgres://app:s3cret@db/x", "password: hunter22"),
    *("BSN 111222333", "aB3dE5fG7hI9jK1lM3nO5pQ7r"),
)
TEXTS = st.lists(
    st.one_of(st.sampled_from(PRIVATE), st.text(max_size=12), st.sampled_from(['"', "\\", "\n", "\t"]))
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS.map("".join),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def redacted(text: str) -> str:
    texts = Texts()
    return texts.redacted(texts.read(text))


@example("\x1faB3dE5fG7hI9jK1lM3nO5pQ7rsk-proj-abcdefghijklmnopqrstuv", False, 1)
@given(VALUES, st.booleans(), st.integers(1, 3))
def test_json_stays_json(value: Any, ascii_only: bool, depth: int) -> None:  # noqa: FBT001
    text = value
    for _ in range(depth):
        text = json.dumps(text, ensure_ascii=ascii_only)

    json.loads(redacted(text))


@given(TEXTS.map("".join))
def test_spans_are_in_order_and_apart(text: str) -> None:
    at = 0
    for one in find(text):
        assert at <= one.start < one.end <= len(text)
        at = one.end


@given(st.lists(st.sampled_from(PRIVATE[:7]), min_size=1, max_size=4), st.sampled_from((" ", "\n", ", ", '" "')))
def test_private_values_are_gone_and_a_second_time_changes_nothing(values: list[str], between: str) -> None:
    once = redacted(between.join(values))

    assert not any(value in once for value in values)
    assert redacted(once) == once
