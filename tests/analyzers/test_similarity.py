from __future__ import annotations

import math

import pytest

from analyzers.finding import Measurement, NotApplicable
from analyzers.pair import Exchange, Request, ToolCall
from analyzers.similarity import Similarity
from tests.analyzers.exchanges import ask, pair, said

HI = ask("Hi")


def figures(one: Exchange, other: Exchange) -> dict[str, float]:
    measured = Similarity().score(pair(HI, one, other))
    assert isinstance(measured, Measurement)
    return dict(zip(Similarity.figures, measured.figures, strict=True))


@pytest.mark.parametrize(
    ("one", "other", "distance", "first_difference", "length"),
    [
        (said("abcd"), said("abcd"), 0.0, 1.0, 0.0),
        (said("abcd"), said("abxd"), 0.25, 0.5, 0.0),
        (said("abcd"), said("wxyz"), 1.0, 0.0, 0.0),
        (said("abc"), said(""), 1.0, 0.0, -math.log(4)),
        (said("ab"), said("abab"), 1 / 3, 0.5, math.log(5 / 3)),
        (said("a", "b"), said("a", "c"), 0.5, 0.5, 0.0),
        (said("", calls=(ToolCall("f", "{}"),)), said("", calls=(ToolCall("g", "{}"),)), 0.2, 0.2, 0.0),
        (said("", refusal="No."), said("No."), 0.0, 1.0, 0.0),
    ],
)
def test_texts_are_compared(
    one: Exchange, other: Exchange, distance: float, first_difference: float, length: float
) -> None:
    found = figures(one, other)
    assert found["distance"] == pytest.approx(distance)
    assert found["first_difference"] == pytest.approx(first_difference)
    assert found["log_length_ratio"] == pytest.approx(length)
    assert figures(other, one)["distance"] == pytest.approx(distance)


def test_the_beginning_of_long_answers_decides() -> None:
    assert figures(said("a" * 5_000 + "b"), said("a" * 5_000 + "c"))["distance"] == 0


def test_a_repeat_shows_the_noise() -> None:
    measured = Similarity().score(pair(HI, said("abcd"), said("abcd"), said("abxd")))
    assert isinstance(measured, Measurement)
    assert (measured.figures[0], measured.noise[0]) == (0.0, 0.25)


def test_nothing_cannot_be_compared() -> None:
    assert Similarity().score(pair(HI, said(""), said(""))) == NotApplicable("nothing")
    assert Similarity().score(pair(HI, said(), said("a"))) == NotApplicable("nothing")
    assert not Similarity().applies(pair(Request("/v1/embeddings", {}), said(""), said("")))
