"""What is decided over facts, as scripts."""

from __future__ import annotations

import pytest

from proxy.doctor.checks import CHECKS, examine, overall
from proxy.doctor.fact import Answer, Fact, Reading, Unseen
from proxy.doctor.show import as_json, as_text

GOOD: dict[str, Fact] = {
    **{check.name: {"it": check.wanted or "so"} for check in CHECKS},
    "round trip": {"round trip": "1.0 ms"},
}


def reading(arm: str, **changes: Fact) -> Reading:
    return Reading(
        arm, f"http://{arm}", {**GOOD, **{name.replace("_", " "): fact for name, fact in changes.items()}}
    )


def test_one_aspect_that_differs_outweighs_one_that_is_unseen() -> None:
    told = examine(
        [
            reading("baseline", tokenizer={"a": "1", "b": Unseen("it answers 500"), "c": "3"}),
            reading("candidate", tokenizer={"a": "1", "b": "2", "c": "4"}),
        ]
    )

    (result,) = [result for result in told if result.state != "ok"]
    assert (result.check.name, result.state, [aspect.name for aspect in result.aspects]) == (
        "tokenizer",
        "unfair",
        ["c"],
    )
    assert overall(told) == "unfair"


def test_what_only_one_was_asked_is_unknown() -> None:
    told = examine(
        [
            reading("baseline", version={"version": "1", "build": "2"}),
            reading("candidate", version={"version": "1"}),
        ]
    )

    assert overall(told) == "unknown"


@pytest.mark.parametrize(("other", "state"), [("10.9 ms", "ok"), ("11.1 ms", "unfair")])
def test_round_trips_may_differ_a_little(other: str, state: str) -> None:
    far: Fact = {"round trip": other}

    assert overall(examine([reading("baseline"), reading("candidate", round_trip=far)])) == state


def test_long_values_are_shown_from_where_they_part() -> None:
    told = examine(
        [
            reading("baseline", chat_template={"tools": "x" * 500 + "this"}),
            reading("candidate", chat_template={"tools": "x" * 500 + "that"}),
        ]
    )

    (aspect,) = next(result for result in told if result.state == "unfair").aspects
    assert [value.value for value in aspect.values] == ["…" + "x" * 10 + "this", "…" + "x" * 10 + "that"]


def test_people_and_programs_are_told_the_same() -> None:
    told = examine(
        [
            reading("baseline", version={"version": "1"}, KV_cache={"dtype": Unseen("it answers 404")}),
            reading("candidate", version={"version": "2"}, KV_cache={"dtype": "auto"}),
        ]
    )

    text, tree = as_text(told), as_json(told)

    assert "unfair   version\n         version:\n           baseline http://baseline: 1\n" in text
    assert "unknown  KV cache\n         dtype:\n           baseline http://baseline: it answers 404\n" in text
    assert text.endswith("\n11 ok, 1 unfair, 1 unknown")
    assert tree["state"] == "unfair"
    by_name = {check["name"]: check for check in tree["checks"]}
    assert by_name["version"]["change"].startswith("run one version")
    assert by_name["KV cache"]["aspects"][0]["values"][0] == {
        "arm": "baseline",
        "url": "http://baseline",
        "value": None,
        "unseen": "it answers 404",
    }


def test_an_answer_says_why_nothing_can_be_learned_from_it() -> None:
    told = [Answer(0, b"it does not answer in time"), Answer(404, b""), Answer(200, b"{")]

    assert [answer.unseen().why for answer in told] == [
        "it does not answer in time",
        "it answers 404",
        "its answer cannot be read",
    ]
