from __future__ import annotations

from typing import Any

import pytest

from analyzers.finding import Finding, Need, NotApplicable, Reply
from analyzers.math_consensus import SAMPLES, WARM, MathConsensus
from analyzers.pair import Exchange, Pair
from tests.analyzers.exchanges import ask, pair, said

ANALYZER = MathConsensus()
STORY = "Tom has 12 apples and buys 30 more. How many apples are there now?"
REQUEST = ask(STORY, model="m", temperature=0, seed=7, stream=True, stream_options={"include_usage": True})
RIGHT, WRONG = said("12 + 30 = 42\nThe answer is 42."), said("The answer is 43.")


def samples(*texts: str) -> Reply:
    return Reply(200, {"choices": [{"index": n, "message": {"content": text}} for n, text in enumerate(texts)]})


@pytest.mark.parametrize(
    ("prompt", "fields", "applies"),
    [
        (STORY, {}, True),
        ("Wie viele Äpfel sind 3 Kisten mit je 4?", {}, True),
        ("What is 12 + 30?", {}, False),  # its own arithmetic is checked
        ("Tom has 12 apples and buys 30 more.", {}, False),
        ("How many moons has Mars?", {}, False),
        (STORY, {"n": 3}, False),
        (STORY, {"tools": [{"type": "function", "function": {"name": "f"}}]}, False),
        (STORY, {"model": None}, False),
        (STORY + " " * 5_000, {}, False),
    ],
)
def test_who_is_asked_about_depends_on_the_request_alone(
    prompt: str,
    fields: dict[str, Any],
    applies: bool,  # noqa: FBT001
) -> None:
    assert ANALYZER.applies(pair(ask(prompt, **{"model": "m", **fields}), RIGHT, WRONG)) is applies


def test_a_supplied_gold_leaves_nothing_to_settle() -> None:
    request = ask(STORY, headers={"x-slipgauge-gold": "42"}, model="m")
    assert not ANALYZER.applies(pair(request, RIGHT, WRONG))


def test_answers_that_agree_cost_nothing() -> None:
    found = ANALYZER.score(pair(REQUEST, RIGHT, said("So 42 apples."), RIGHT))
    assert isinstance(found, Finding)
    assert (found.slip, found.baseline.failed, found.repeat) == (0, 0, found.baseline)


def test_a_disagreement_needs_fresh_samples_of_the_baseline_with_a_seed_of_their_own() -> None:
    needed = ANALYZER.score(pair(REQUEST, RIGHT, WRONG))
    assert isinstance(needed, Need)
    (probe,) = needed.probes
    assert (probe.arm, probe.path) == ("baseline", REQUEST.path)
    assert probe.body["messages"] == REQUEST.body["messages"]
    assert (probe.body["n"], probe.body["temperature"], probe.body["model"]) == (SAMPLES, WARM, "m")
    assert {"stream", "stream_options"}.isdisjoint(probe.body)
    other = ANALYZER.score(Pair("other", REQUEST, RIGHT, WRONG))
    assert isinstance(other, Need)
    assert len({probe.body["seed"], other.probes[0].body["seed"], 7}) == 3


@pytest.mark.parametrize(
    ("texts", "baseline", "candidate"),
    [
        (["42", "42", "42", "43", "1"], 0, 1),
        (["43", "43", "43", "43", "42"], 1, 0),
        (["7", "7", "7", "7", "7"], 1, 1),
    ],
)
def test_the_majority_settles_it(texts: list[str], baseline: float, candidate: float) -> None:
    found = ANALYZER.score(pair(REQUEST, RIGHT, WRONG), (samples(*texts),))
    assert isinstance(found, Finding)
    assert (found.baseline.failed, found.candidate.failed) == (baseline, candidate)


@pytest.mark.parametrize(
    ("baseline", "replies", "why"),
    [
        (said("None left."), (), "no_number"),
        (RIGHT, (samples("1", "2", "3", "42", "42"),), "no_majority"),
        (RIGHT, (samples("", "", "", "", ""),), "no_majority"),
        (RIGHT, (Reply(400, {}),), "unsupported"),
        (RIGHT, (Reply(200, {"choices": 5}),), "unreadable"),
    ],
)
def test_it_says_why_it_does_not_apply(baseline: Exchange, replies: tuple[Reply, ...], why: str) -> None:
    candidate = said("No idea.") if why == "no_number" else WRONG
    assert ANALYZER.score(pair(REQUEST, baseline, candidate), replies) == NotApplicable(why)
    assert why in ANALYZER.labels
