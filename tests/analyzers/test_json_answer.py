from __future__ import annotations

import json
from typing import Any

import pytest

from analyzers.json_answer import CONSTRAINED, PROMPTED, JsonAnswer
from analyzers.json_answer.asked import wanted
from analyzers.pair import Exchange, Request
from tests.analyzers.exchanges import CHAT, ask, said

SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 18}, "size": {"enum": ["s", "m"]}},
    "required": ["age"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
BY_SCHEMA = ask("Note.", response_format=FORM)
PROMPT = f"Note: Anna is 30.\nReturn only JSON matching this schema: {json.dumps(SCHEMA)}\nBe brief."


def label(request: Request, answer: Exchange) -> str:
    score = JsonAnswer().failure(request, answer)
    assert (score.failed > 0) == (score.label != "ok")
    return score.label


@pytest.mark.parametrize(
    ("body", "variable"),
    [
        ({"response_format": FORM}, CONSTRAINED),
        ({"response_format": {"type": "json_object"}}, CONSTRAINED),
        ({"structured_outputs": {"json": SCHEMA}}, CONSTRAINED),
        ({"structured_outputs": {"json": json.dumps(SCHEMA)}}, CONSTRAINED),
        ({"structured_outputs": {"json_object": True}}, CONSTRAINED),
        ({"text": {"format": {"type": "json_schema", "schema": SCHEMA}}}, CONSTRAINED),
        ({"response_format": {"type": "text"}}, None),
        ({"guided_json": SCHEMA}, None),
        ({"response_format": FORM, "tools": [{}]}, None),
        ({"response_format": FORM, "tools": [{}], "tool_choice": "none"}, CONSTRAINED),
    ],
)
def test_constrained_is_what_the_server_enforces(body: dict[str, Any], variable: str | None) -> None:
    assert JsonAnswer().variable(ask("Note.", **body)) == variable


@pytest.mark.parametrize(
    "prompt",
    [
        PROMPT,
        "Respond with valid JSON.",
        "Extract the name and age, and answer in JSON only.",
        "Please return a JSON object with keys a and b",
        "List three colours. Output JSON.",
        "Antworte nur mit JSON.",
        "You must reply in JSON",
    ],
)
def test_an_order_for_json_is_prompted(prompt: str) -> None:
    assert JsonAnswer().variable(ask(prompt)) == PROMPTED
    assert JsonAnswer().variable(Request(CHAT, {"messages": [{"role": "system", "content": prompt}]})) == PROMPTED
    assert JsonAnswer().variable(Request("/v1/completions", {"prompt": prompt})) == PROMPTED


@pytest.mark.parametrize(
    "prompt",
    [
        "How do I return JSON from Flask?",
        "What is JSON?",
        "Write a Python function that returns JSON",
        "Explain why my JSON is invalid",
        "Give me an example of a JSON parser",
        "Hello",
    ],
)
def test_talk_about_json_is_no_order(prompt: str) -> None:
    assert JsonAnswer().variable(ask(prompt)) is None


def test_the_schema_in_the_prompt_is_used() -> None:
    want = wanted(ask(PROMPT))
    assert want is not None
    assert want.schema == SCHEMA
    assert label(ask(PROMPT), said('{"age": 3}')) == "schema_minimum"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"age": 30}', "ok"),
        (' \n{"age": 30, "size": "m"}\n', "ok"),
        ("", "empty"),
        ("  \n", "empty"),
        ('```json\n{"age": 30}\n```', "fenced"),
        ('Here you are:\n```\n{"age": 30}\n```\nBye', "fenced"),
        ('Sure! {"age": 30}', "prose"),
        ('{"age": 30} Anything else?', "prose"),
        ('{"age": 30,}', "syntax"),
        ("{'age': 30}", "syntax"),
        ('{"age": NaN}', "syntax"),
        ('{"age": 30', "syntax"),
        ("I'm sorry, but I can't help with that.", "refused"),
        ("30", "schema_type"),
        ("{}", "schema_required"),
        ('{"age": "30"}', "schema_type"),
        ('{"age": 3}', "schema_minimum"),
        ('{"age": 30, "size": "l"}', "schema_enum"),
        ('{"age": 30, "name": "x"}', "schema_additional_properties"),
    ],
)
def test_a_wrong_answer_says_what_is_wrong(text: str, expected: str) -> None:
    assert label(BY_SCHEMA, said(text)) == expected


def test_a_cut_answer_is_truncated_and_a_whole_one_is_not() -> None:
    assert label(BY_SCHEMA, said('{"age": 3', finish="length")) == "truncated"
    assert label(BY_SCHEMA, said('{"age": 30}', finish="length")) == "ok"


def test_the_apis_own_refusal_counts() -> None:
    assert label(BY_SCHEMA, said("", refusal="No.")) == "refused"


def test_without_a_schema_an_object_or_array_is_wanted() -> None:
    assert label(ask("Return JSON."), said("[1]")) == "ok"
    assert label(ask("Return JSON."), said('"a"')) == "not_object"
    assert label(ask("x", response_format={"type": "json_object"}), said("[1]")) == "not_object"


@pytest.mark.parametrize("schema", [{"type": "nope"}, {"$ref": "http://a/b"}, {"pattern": "(?=a)"}, 5, None, "{"])
def test_an_unusable_schema_leaves_plain_json(schema: Any) -> None:
    request = ask("x", response_format={"type": "json_schema", "json_schema": {"schema": schema}})
    assert label(request, said('{"any": 1}')) == "ok"
    assert label(request, said("{")) == "syntax"


def test_several_choices_score_their_mean() -> None:
    score = JsonAnswer().failure(BY_SCHEMA, said('{"age": 30}', "{", '{"age": 30}', "{}"))
    assert (score.failed, score.label) == (0.5, "syntax")
