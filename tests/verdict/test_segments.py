from __future__ import annotations

from typing import Any

import pytest

from tests.verdict.turns import known, turn
from verdict.guardrails import Guardrail, Levels
from verdict.segments import ATTRIBUTES, Bounded, Segmenter, Segments, spoken
from verdict.sessions import Measured, Observation

LEVELS = Levels()


def of(segmenter: Segmenter, body: dict[str, Any], size: int = 10, model: str = "m", **headers: str) -> set[str]:
    return set(segmenter.of(model, body, size, lambda name: headers.get(name.replace("-", "_"))))


def test_a_request_is_told_apart_by_what_is_configured() -> None:
    assert of(Segmenter(ATTRIBUTES, ()), {"stream": True, "response_format": {"type": "json_object"}}, 1025) == {
        "model=m",
        "prompt_length=4kB",
        "streaming=yes",
        "structured=yes",
    }
    assert of(Segmenter(("streaming",), ("X-Feature",)), {}, x_feature="tutoring") == {
        "streaming=no",
        "x-feature=tutoring",
    }


@pytest.mark.parametrize(
    ("size", "name"), [(0, "1kB"), (1024, "1kB"), (1025, "4kB"), (65_537, "256kB"), (262_145, "more")]
)
def test_lengths_fall_into_buckets(size: int, name: str) -> None:
    assert of(Segmenter(("prompt_length",), ()), {}, size) == {f"prompt_length={name}"}


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("", "none"),
        ("two words", "other"),
        ("x" * 65, "other"),
        ("a\u00e9", "other"),
        ('a"b', "other"),
        ("a/b:c", "a/b:c"),
    ],
)
def test_a_header_counts_only_as_a_plain_word(sent: str, value: str) -> None:
    assert of(Segmenter((), ("X-Feature",)), {}, x_feature=sent) == {f"x-feature={value}"}
    assert of(Segmenter((), ("X-Feature",)), {}) == {"x-feature=none"}


def test_a_language_is_filled_in_by_who_reads_the_request() -> None:
    (unread,) = of(Segmenter(("language",), ()), {})
    assert spoken(("model=m", unread), "de") == ("model=m", "language=de")
    assert spoken(("model=m", unread), "") == ("model=m", "language=none")


def test_a_request_too_large_to_be_read_is_of_the_longest() -> None:
    assert Segmenter(ATTRIBUTES, ()).unread() == ("prompt_length=more",)
    assert Segmenter((), ("X-Feature",)).unread() == ()


def test_values_beyond_the_most_are_other_also_after_a_restart() -> None:
    bounded = Bounded(2)
    assert [bounded(each) for each in ("a=1", "a=2", "a=3", "b=3", "a=1", "a=other")] == [
        "a=1",
        "a=2",
        "a=other",
        "b=3",
        "a=1",
        "a=other",
    ]
    again = Bounded(2)
    again.restore(bounded.dump())
    assert [again(each) for each in ("a=1", "a=3", "b=4", "b=5")] == ["a=1", "a=other", "b=4", "b=other"]


def filled(sessions: int = 400) -> Segments:
    """In segment s=bad each third candidate fails, in s=good none."""
    segments = Segments([Guardrail("g", 0.01, 1.0, required=True)], LEVELS)
    for number in range(sessions):
        for segment, failed in (("s=bad", number % 3 == 0), ("s=good", False)):
            observation = Observation("g", known(0, float(failed)), turn("a", number))
            segments.observe(observation, (segment,), 1.0)
    return segments


def test_the_slip_of_each_segment_has_an_interval() -> None:
    bad, good = filled().rows()

    assert (bad.guardrail, bad.segment, bad.sessions) == ("g", "s=bad", 400)
    assert bad.slip == pytest.approx(1 / 3, abs=0.01)
    assert bad.lower is not None
    assert bad.upper is not None
    assert 0.01 < bad.lower < 1 / 3 < bad.upper < 0.6
    assert (good.lower or 0) <= 0 <= (good.upper or 1) < 0.05


def test_what_is_not_known_widens_the_interval_and_counts_in_no_rate() -> None:
    plain, missing = filled(), filled()
    for number in range(50):
        missing.observe(Observation("g", Measured(-1.0, 1.0), turn("a", number)), ("s=bad",), 1.0)
    one, other = plain.rows()[0], missing.rows()[0]

    assert (other.sessions, other.slip) == (one.sessions, one.slip)
    assert (other.lower or 0) < (one.lower or 0)
    assert (other.upper or 0) > (one.upper or 0)


def test_few_intervals_are_found_anew_at_once_and_each_in_its_turn() -> None:
    segments = filled()
    first = segments.rows(most=1)
    assert [row.lower is None for row in first] == [False, True]
    assert segments.rows(most=1) == filled().rows()


def test_they_go_on_after_a_restart() -> None:
    segments, again = filled(), Segments([Guardrail("g", 0.01, 1.0, required=True)], LEVELS)
    again.restore(segments.dump())

    assert again.rows() == segments.rows()
