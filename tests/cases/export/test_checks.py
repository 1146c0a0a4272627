"""The judge that goes along with exports, and how far it agrees with people and with the analyzers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzers.math_checked import MathChecked
from cases.export.carried.slipgauge_checks import judge, lm_eval_results, number, refuses
from tests.analyzers.exchanges import ask, said

DATA = Path(__file__).parents[2] / "analyzers" / "data"
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOL = {"kind": "tool", "tools": {"f": SCHEMA, "g": None}, "must": False}
JSON = {"kind": "json", "schema": SCHEMA, "object_only": True, "or_call": False}


def call(name: str, arguments: str) -> tuple[dict[str, str], ...]:
    return ({"name": name, "arguments": arguments},)


@pytest.mark.parametrize(
    ("check", "text", "calls", "why"),
    [
        (JSON, ' {"a": 1}\n', (), ""),
        (JSON, '```json\n{"a": 1}\n```', (), "no JSON"),
        (JSON, '{"a": NaN}', (), "no JSON"),
        (JSON, '{"a": "1"}', (), "against its schema"),
        (JSON | {"or_call": True}, "", call("f", "{}"), ""),
        (JSON | {"schema": None}, "[]", (), "no object"),
        (JSON | {"schema": None, "object_only": False}, "[]", (), ""),
        (JSON | {"schema": {"type": "nonsense"}}, "{}", (), ""),
        (JSON | {"schema": {"$ref": "https://example.org/s"}}, "{}", (), ""),
        ({"kind": "text", "schema": {"enum": ["yes", "no"]}}, "yes", (), ""),
        ({"kind": "text", "schema": {"enum": ["yes", "no"]}}, "Yes!", (), "against its schema"),
        (TOOL, "Hello", (), ""),
        (TOOL | {"must": True}, "Hello", (), "no call"),
        (TOOL, "", call("f", '{"a": 1}'), ""),
        (TOOL, "", call("f", '{"a": "1"}'), "against its schema"),
        (TOOL, "", call("f", "{"), "no JSON"),
        (TOOL, "", call("f", "[]"), "no object"),
        (TOOL, "", call("g", ""), ""),
        (TOOL, "", call("h", "{}"), "not on offer"),
        ({"kind": "answer", "gold": "1,042.50"}, "First 3, then 7.\nThe answer is $1042.5.", (), ""),
        ({"kind": "answer", "gold": "1/2"}, "so \\boxed{0.5}", (), ""),
        ({"kind": "answer", "gold": "50%"}, "That is 50 percent", (), ""),
        ({"kind": "answer", "gold": "42"}, "6 * 7 = 43", (), "another number"),
        ({"kind": "answer", "gold": "42"}, "142", (), "another number"),
        ({"kind": "answer", "gold": "42"}, "I do not know", (), "no number"),
        ({"kind": "answer", "gold": "x^2+1"}, "It is \\boxed{x^2 + 1}", (), ""),
        ({"kind": "answer", "gold": "x^2+1"}, "It is \\boxed{x^2}", (), "another answer"),
        ({"kind": "refused"}, "I'm sorry, but I can't help with that.", (), ""),
        ({"kind": "refused"}, "Sure! First, take the", (), "not refused"),
        ({"kind": "answered"}, "Sure! First, take the", (), ""),
        ({"kind": "answered"}, "", call("f", "{}"), ""),
        ({"kind": "answered"}, " ", (), "nothing said"),
        ({"kind": "answered"}, "I cannot help with that.", (), "refused"),
    ],
)
def test_a_check_holds_or_says_why_not(check: Any, text: str, calls: Any, why: str) -> None:
    passed, told = judge([check], text, calls)

    assert passed == (not why)
    assert why in told


def test_every_check_must_hold() -> None:
    assert judge([JSON, {"kind": "answered"}], '{"a": 1}') == (True, "")
    assert judge([JSON, {"kind": "answered"}], "") == (False, "json: no JSON, or not alone")


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "[" * 100_000, "1" * 100_000, "answer " * 20_000, "can't " * 20_000, "1," * 50_000]
)
def test_a_hostile_answer_fails_in_good_time(text: str) -> None:
    for check in (JSON, {"kind": "answer", "gold": "42"}, {"kind": "refused"}):
        assert not judge([check], text)[0]


def test_numbers() -> None:
    assert [number(text) for text in ("$1,000", "12%", "1/0", "x", "-3.5.")] == [
        1000,
        number("0.12"),
        None,
        None,
        number("-3.5"),
    ]


def test_what_lm_eval_asks_for() -> None:
    row = {"checks": json.dumps([{"kind": "answer", "gold": "42"}])}

    assert [lm_eval_results(row, [text]) for text in ("42", "41")] == [{"passed": 1}, {"passed": 0}]


def solutions() -> Iterator[tuple[str, str, bool]]:
    with (DATA / "gsm8k_solutions.jsonl").open() as lines:
        for row in map(json.loads, lines):
            gold = row["ground_truth"].rpartition("A: ")[2]
            for each in row["solutions"].values():
                yield gold, each["solution"], each["is_correct"]


def test_answers_are_judged_as_people_and_the_analyzer_judge_them() -> None:
    """docs/export.md has these figures."""
    analyzer, agreed, same, total = MathChecked(), 0, 0, 0
    for gold, text, right in solutions():
        passed, _ = judge([{"kind": "answer", "gold": gold}], text)
        score = analyzer.failure(ask("How many?", headers={"x-slipgauge-gold": gold}), said(text))
        total += 1
        agreed += passed == right
        same += passed == (score.label not in ("wrong_answer", "no_answer"))

    assert agreed / total > 0.99
    assert same / total > 0.99


def test_refusals_are_judged_as_people_judge_them() -> None:
    """docs/export.md has these figures."""
    found = {True: [0, 0], False: [0, 0]}
    with (DATA / "refusals.jsonl").open() as lines:
        for row in map(json.loads, lines):
            if row["label"] in ("2_full_refusal", "rejected", "1_full_compliance", "complied"):
                refused = row["label"] in ("2_full_refusal", "rejected")
                found[refused][refuses(row["response"].strip())] += 1

    assert found[True][1] / sum(found[True]) > 0.82
    assert found[False][0] / sum(found[False]) > 0.91
