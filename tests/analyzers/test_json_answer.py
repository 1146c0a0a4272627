from __future__ import annotations

import json
from typing import Any

import pytest

from analyzers import schemas
from analyzers.json_answer import JsonAnswer, explain
from analyzers.json_answer.asked import CONSTRAINED, IGNORED, PROMPTED, TOOLS, wanted
from analyzers.pair import Choice, Exchange, Request, ToolCall
from tests.analyzers.exchanges import CHAT, ask, said

SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 18}, "size": {"enum": ["s", "m"]}},
    "required": ["age"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "f"}}
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
        ({"response_format": {"type": "structural_tag"}}, None),
        ({"structured_outputs": {"choice": ["yes", "no"]}}, CONSTRAINED),
        ({"structured_outputs": {"regex": "a+"}}, CONSTRAINED),
        ({"structured_outputs": {"grammar": "root ::= x"}}, None),
        ({"guided_json": SCHEMA}, IGNORED),
        ({"guided_json": json.dumps(SCHEMA), "tools": [TOOL]}, IGNORED),
        ({"guided_choice": ["yes", "no"]}, IGNORED),
        ({"guided_regex": "a+"}, IGNORED),
        ({"guided_grammar": "root ::= x"}, None),
        ({"guided_json": SCHEMA, "structured_outputs": {"json": SCHEMA}}, CONSTRAINED),
        ({"response_format": FORM, "tools": [TOOL]}, TOOLS),
        ({"response_format": FORM, "tools": [{}]}, CONSTRAINED),
        ({"response_format": FORM, "tools": [TOOL], "tool_choice": "none"}, CONSTRAINED),
    ],
)
def test_the_request_tells_the_populations_apart(body: dict[str, Any], variable: str | None) -> None:
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
        ('{"age": 30, "inner": {"a": 1}, }', "syntax"),
        ('{"age": 30}\n{"age": 30}', "prose"),
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


def test_a_call_is_as_good_as_an_answer_where_tools_are_offered() -> None:
    request = ask("Note.", response_format=FORM, tools=[TOOL])
    assert label(request, said("", calls=(ToolCall("f", "{"),))) == "ok"
    assert label(request, said('{"age": 3}')) == "schema_minimum"
    assert label(BY_SCHEMA, said("", calls=(ToolCall("f", "{}"),))) == "empty"


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"choice": ["yes", "no"]}, "yes", "ok"),
        ({"choice": ["yes", "no"]}, "Yes", "schema_enum"),
        ({"choice": ["yes", "no"]}, "", "empty"),
        ({"regex": r"\d{3}|x"}, "123", "ok"),
        ({"regex": r"\d{3}|x"}, "1234", "schema_pattern"),
        ({"regex": "(a+)+"}, "a" * 50 + "!", "schema_pattern"),
        ({"regex": "("}, "anything", "ok"),
        ({"regex": "a*"}, "", "ok"),
        ({"regex": "a+"}, "", "empty"),
        ({"choice": ["", "yes"]}, "", "ok"),
        ({"json": SCHEMA}, '{"age": 3}', "schema_minimum"),
    ],
)
def test_a_constraint_is_checked_whether_the_server_keeps_it_or_not(
    options: dict[str, Any], text: str, expected: str
) -> None:
    assert label(ask("x", structured_outputs=options), said(text)) == expected
    assert label(ask("x", **{f"guided_{name}": value for name, value in options.items()}), said(text)) == expected


def test_what_fails_is_explained_by_its_place_in_the_schema() -> None:
    items = {"type": "array", "items": {"$ref": "#/$defs/size"}}
    schema = {"properties": {"sizes": items}, "$defs": {"size": {"enum": ["s", "m"]}}}
    request = ask("x", structured_outputs={"json": schema})
    failure = explain(request, Choice('{"sizes": ["s", "XYZZY"]}'))
    assert failure is not None
    assert failure.label == "schema_enum"
    assert "/".join(failure.path).endswith("size/enum")
    assert "XYZZY" not in repr(failure)
    assert explain(request, Choice('{"sizes": ["s"]}')) is None
    assert explain(ask("Hi"), Choice("Hi")) is None


def test_equal_schemas_are_compiled_once() -> None:
    before = schemas._compiled.cache_info().misses
    for keys in (("a", "b"), ("b", "a")):
        schema = {"properties": {key: {"const": "only here"} for key in keys}}
        assert schemas.failure(schema, {"a": "only here"}) is None
    assert schemas._compiled.cache_info().misses == before + 1
