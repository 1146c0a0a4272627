from __future__ import annotations

import orjson
import pytest

from proxy.control.console.paths import DEEPEST, MOST, SHOWN, Difference, differences


def test_what_differs_is_named_by_its_path() -> None:
    baseline = '{"a": 1, "b": [1, {"c d": true}], "gone": null, "same": [1]}'
    candidate = '{"a": 2, "b": [1, {"c d": 1}, 3], "same": [1], "new": "x"}'

    assert differences(baseline, candidate) == [
        Difference("$.a", "1", "2"),
        Difference('$.b[1]["c d"]', "true", "1"),
        Difference("$.b[2]", None, "3"),
        Difference("$.gone", "null", None),
        Difference("$.new", None, '"x"'),
    ]


def test_a_fence_is_no_difference() -> None:
    assert differences('```json\n{"a": 1}\n```', '{"a": 1}') == []


@pytest.mark.parametrize("other", ["", "no", "{", "3", '"text"', "[1"])
def test_what_is_no_json_object_or_array_is_not_compared(other: str) -> None:
    assert differences('{"a": 1}', other) is None


def test_many_and_long_differences_are_cut() -> None:
    found = differences(orjson.dumps(["a" * 310] * (MOST + 50)).decode(), "[]")

    assert found is not None
    assert len(found) == MOST
    assert {len(each.baseline or "") for each in found} == {SHOWN + 1}


def test_deep_values_are_compared_whole() -> None:
    deep = DEEPEST + 900
    one, other = ("[" * deep + value + "]" * deep for value in ("1", "2"))
    found = differences(one, other)

    assert found is not None
    assert len(found) <= 1
