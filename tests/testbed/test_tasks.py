"""The generators: the same seed the same requests, right answers right, spoilt ones wrong, splits apart."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.chat import answer_message, answer_text
from testbed.tasks import MIX, Prompt, prompts, split_of
from testbed.tasks.extraction import schema_of
from testbed.tasks.refusal import HARMFUL, HARMLESS, refused

DRAWN = list(prompts(1, 1500))


def said(text: str | None) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def of_task(task: str) -> list[Prompt]:
    return [prompt for prompt in DRAWN if prompt.task == task]


@given(st.integers(0, 2**32), st.sampled_from(["live", "calibration", "train"]))
@settings(max_examples=20, deadline=None)
def test_a_seed_draws_the_same_requests_again_all_in_the_split_asked_for(seed: int, split: Any) -> None:
    drawn = list(prompts(seed, 12, split=split))
    assert drawn == list(prompts(seed, 12, split=split))
    assert {split_of(prompt) for prompt in drawn} == {split}


def test_seeds_differ() -> None:
    assert [p.body for p in prompts(1, 20)] != [p.body for p in prompts(2, 20)]


def test_every_task_is_drawn_in_about_its_share() -> None:
    for task, share in MIX.items():
        assert abs(len(of_task(task)) / len(DRAWN) - share) < 0.04, task


def test_a_mix_of_one_task_draws_that_task_alone() -> None:
    assert {p.task for p in prompts(3, 30, {"tools": 2})} == {"tools"}


def test_an_unknown_task_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no such task: poetry"):
        next(prompts(1, 1, {"poetry": 1.0}))


def test_every_answer_passes_its_own_check_also_after_a_way_through_text() -> None:
    for prompt in DRAWN:
        assert prompt.check(prompt.answer), prompt
        assert prompt.check(answer_message(answer_text(prompt.answer))), prompt


@pytest.mark.parametrize("message", [{}, said(None), said(""), said("no"), {"content": 7}, {"tool_calls": "x"}])
def test_a_message_that_says_nothing_is_right_for_nothing_but_a_harmless_request(message: dict[str, Any]) -> None:
    for prompt in DRAWN:
        if prompt.check(message):
            assert prompt.task == "refusal"
            assert message == said("no")  # an answer of sorts, and no refusal


@pytest.mark.parametrize("task", ["arithmetic", "json_prompted", "json_constrained", "language"])
def test_a_changed_number_is_wrong(task: str) -> None:
    for prompt in of_task(task):
        text: str = prompt.answer["content"]
        for digit in re.finditer(r"\d", text):
            changed = text[: digit.start()] + str((int(digit[0]) + 1) % 10) + text[digit.end() :]
            assert not prompt.check(said(changed)), (prompt, changed)


def test_an_answer_cut_short_is_wrong() -> None:
    for prompt in DRAWN:
        if prompt.task not in {"refusal", "tools"}:
            assert not prompt.check(said(prompt.answer["content"][:-2])), prompt


def test_another_true_way_to_the_result_is_right_and_a_missing_way_is_not() -> None:
    prompt = next(p for p in of_task("arithmetic") if p.answer["content"].endswith("The answer is 100."))
    assert prompt.check(said("50 + 50 = 100\nThe answer is 100."))
    assert not prompt.check(said("The answer is 100."))
    assert not prompt.check(said("50 + 51 = 100\nThe answer is 100."))


def test_json_answers_satisfy_the_schema_that_stands_in_the_prompt() -> None:
    for prompt in of_task("json_prompted") + of_task("json_constrained"):
        schema = schema_of(prompt)
        jsonschema_rs.validate(schema, json.loads(prompt.answer["content"]))
        assert schema["additionalProperties"] is False
        if prompt.task == "json_constrained":
            assert prompt.body["response_format"]["json_schema"]["schema"] == schema


def test_json_in_a_fence_or_with_prose_is_wrong() -> None:
    for prompt in of_task("json_prompted")[:50]:
        text = prompt.answer["content"]
        assert not prompt.check(said(f"```json\n{text}\n```"))
        assert not prompt.check(said(f"Here it is: {text}"))


def test_tool_calls_satisfy_their_parameters_and_a_spoilt_call_is_wrong() -> None:
    for prompt in of_task("tools"):
        calls = prompt.answer.get("tool_calls")
        if not calls:
            assert prompt.body["tool_choice"] == "auto"
            continue
        (function,) = (call["function"] for call in calls)
        offered = {t["function"]["name"]: t["function"]["parameters"] for t in prompt.body["tools"]}
        jsonschema_rs.validate(offered[function["name"]], json.loads(function["arguments"]))
        for field, value in (("name", "other"), ("arguments", "{}"), ("arguments", "{")):
            spoilt = copy.deepcopy(prompt.answer)
            spoilt["tool_calls"][0]["function"][field] = value
            assert not prompt.check(spoilt)
        assert not prompt.check({**prompt.answer, "tool_calls": calls * 2})


def test_refusing_the_harmless_and_answering_the_harmful_are_both_wrong() -> None:
    kinds = set()
    for prompt in of_task("refusal"):
        harmful = refused(prompt.answer["content"])
        kinds.add(harmful)
        assert prompt.check(said("I'm sorry, but I can't help with that.")) == harmful
        assert prompt.check(said("Sure! To do so, start small.")) != harmful
    assert kinds == {True, False}


def test_harmful_and_harmless_acts_share_their_verbs_and_no_sentence() -> None:
    harmless = {act for act, _tip in HARMLESS}
    assert not harmless & set(HARMFUL)
    assert len(HARMFUL) > 150
    assert len(harmless) > 150


def test_german_answers_hold_letters_beyond_ascii() -> None:
    texts = [p.body["messages"][0]["content"] + p.answer["content"] for p in of_task("language")]
    assert sum(not text.isascii() for text in texts) > len(texts) / 2


def test_every_request_is_greedy_bounded_and_names_no_model() -> None:
    for prompt in DRAWN:
        assert prompt.body["temperature"] == 0
        assert 0 < prompt.body["max_tokens"] <= 128
        assert "model" not in prompt.body
