from __future__ import annotations

from typing import Any

import pytest

from analyzers.pair import Exchange, Request, ToolCall
from analyzers.tools import Called, Tools, Uncalled
from analyzers.tools.asked import offer
from tests.analyzers.exchanges import CHAT, ask, said

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
}


def function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": PARAMETERS, **more}}


WEATHER, TIMER = function("weather"), {"type": "function", "function": {"name": "timer"}}
BOTH = [WEATHER, TIMER]
AUTO = ask("Weather?", tools=BOTH)
REQUIRED = ask("Weather?", tools=BOTH, tool_choice="required")
NAMED = ask("Weather?", tools=BOTH, tool_choice={"type": "function", "function": {"name": "weather"}})
SINGLE = ask("Weather?", tools=BOTH, parallel_tool_calls=False)
STRICT = ask("Weather?", tools=[function("weather", strict=True)])


def call(*calls: tuple[str, str], text: str = "", finish: str = "tool_calls") -> Exchange:
    return said(text, finish=finish, calls=tuple(ToolCall(*each) for each in calls))


GOOD, OTHER = ("weather", '{"city": "Oslo"}'), ("weather", '{"city": "Rome"}')
SET = ("timer", '{"minutes": 5}')


def label(request: Request, answer: Exchange) -> str:
    score = Tools().failure(request, answer)
    assert (score.failed > 0) == (score.label != "ok")
    return score.label


@pytest.mark.parametrize(
    ("request_", "answer", "expected"),
    [
        (AUTO, call(GOOD), "ok"),
        (AUTO, call(GOOD, OTHER), "ok"),
        (AUTO, call(GOOD, SET), "ok"),
        (AUTO, said("It rains."), "ok"),
        (AUTO, call(("wether", "{}")), "unknown_function"),
        (AUTO, call(("", "{}")), "unknown_function"),
        (AUTO, call(("weather", '{"city": "Oslo"')), "not_json"),
        (AUTO, call(("weather", "")), "not_json"),
        (AUTO, call(("weather", '{"city": "Os'), finish="length"), "truncated"),
        (AUTO, call(("weather", '["Oslo"]')), "not_object"),
        (AUTO, call(("weather", "{}")), "schema_required"),
        (AUTO, call(("weather", '{"city": 5}')), "schema_type"),
        (AUTO, call(("weather", '{"city": "Oslo", "days": 0}')), "schema_minimum"),
        (AUTO, call(("weather", '{"city": "Oslo", "when": 1}')), "ok"),
        (STRICT, call(("weather", '{"city": "Oslo", "when": 1}')), "schema_additional_properties"),
        (AUTO, call(GOOD, ("weather", ' {"city":"Oslo"} ')), "repeated"),
        (AUTO, call(GOOD, OTHER, GOOD), "repeated"),
        (SINGLE, call(GOOD), "ok"),
        (SINGLE, call(GOOD, OTHER), "parallel"),
        (REQUIRED, call(GOOD), "ok"),
        (REQUIRED, said("It rains."), "no_call"),
        (REQUIRED, said("It rai", finish="length"), "truncated"),
        (REQUIRED, said("", refusal="No."), "no_call"),
        (NAMED, call(GOOD), "ok"),
        (NAMED, call(SET), "not_allowed"),
        (NAMED, said("It rains."), "no_call"),
        (AUTO, said('<tool_call>\n{"name": "weather", "arguments": {}}\n</tool_call>'), "unparsed"),
        (AUTO, said('[TOOL_CALLS] [{"name": "weather"}]'), "unparsed"),
        (AUTO, said('{"name": "weather", "parameters": {"city": "Oslo"}}'), "unparsed"),
        (AUTO, said('[{"name": "weather", "arguments": {"city": "Oslo"}}]'), "unparsed"),
        (AUTO, said('{"name": "Oslo", "arguments": []}'), "ok"),
        (AUTO, said('{"city": "Oslo"}'), "ok"),
        (AUTO, said('[{"name": "weather"}, 5]'), "ok"),
        (AUTO, call(GOOD, ("timer", "{")), "not_json"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(request_: Request, answer: Exchange, expected: str) -> None:
    assert label(request_, answer) == expected


MESSAGES_TOOL = {"name": "weather", "input_schema": PARAMETERS}
RESPONSES_TOOL = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": True}
ALLOWED = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "weather"}]}


@pytest.mark.parametrize(
    ("path", "body", "must", "allowed", "parallel"),
    [
        (CHAT, {"tools": BOTH}, False, None, True),
        (CHAT, {"tools": BOTH, "tool_choice": "auto"}, False, None, True),
        (CHAT, {"tools": BOTH, "tool_choice": None}, False, None, True),
        (CHAT, {"tools": BOTH, "tool_choice": "required"}, True, None, True),
        (CHAT, {"tools": BOTH, "tool_choice": "nonsense"}, False, None, True),
        (CHAT, {"tools": BOTH, "parallel_tool_calls": False}, False, None, False),
        (CHAT, {"tools": BOTH, "tool_choice": {"function": {"name": "weather"}}}, True, {"weather"}, True),
        (CHAT, {"tools": BOTH, "tool_choice": {"type": "allowed_tools", "allowed_tools": ALLOWED}}, True,
         {"weather"}, True),
        (CHAT, {"functions": [{"name": "weather"}]}, False, None, True),
        (CHAT, {"functions": [{"name": "weather"}], "function_call": {"name": "weather"}}, True, {"weather"}, True),
        ("/v1/responses", {"tools": [RESPONSES_TOOL], "tool_choice": ALLOWED}, True, {"weather"}, True),
        ("/v1/responses", {"tools": [RESPONSES_TOOL], "tool_choice": {**ALLOWED, "mode": "auto"}}, False,
         {"weather"}, True),
        ("/v1/responses", {"tools": [RESPONSES_TOOL], "tool_choice": {"type": "function", "name": "weather"}}, True,
         {"weather"}, True),
        ("/v1/messages", {"tools": [MESSAGES_TOOL]}, False, None, True),
        ("/v1/messages", {"tools": [MESSAGES_TOOL], "tool_choice": {"type": "any"}}, True, None, True),
        ("/v1/messages", {"tools": [MESSAGES_TOOL], "tool_choice": {"type": "tool", "name": "weather"}}, True,
         {"weather"}, True),
        ("/v1/messages", {"tools": [MESSAGES_TOOL],
                          "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, False, None, False),
    ],
)  # fmt: skip
def test_every_form_of_offer_is_understood(
    path: str, body: dict[str, Any], must: Any, allowed: set[str] | None, parallel: Any
) -> None:
    offered = offer(Request(path, body))
    assert offered is not None
    assert "weather" in offered.tools
    assert (offered.must, offered.allowed, offered.parallel) == (must, allowed, parallel)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {}),
        (CHAT, {"tools": []}),
        (CHAT, {"tools": 5}),
        (CHAT, {"tools": [5, {}, {"type": "function"}, {"function": 5}, {"function": {"name": 5}}]}),
        (CHAT, {"tools": BOTH, "tool_choice": "none"}),
        (CHAT, {"tools": [{"type": "web_search", "name": "x"}]}),
        (CHAT, {"functions": [{"name": "weather"}], "function_call": "none"}),
        ("/v1/messages", {"tools": [MESSAGES_TOOL], "tool_choice": {"type": "none"}}),
        ("/v1/embeddings", {"tools": BOTH}),
    ],
)
def test_no_tools_are_no_offer(path: str, body: dict[str, Any]) -> None:
    request = Request(path, body)
    assert offer(request) is None
    assert [each.variable(request) for each in (Tools(), Called(), Uncalled())] == [None] * 3


def test_custom_tools_take_free_text() -> None:
    request = ask("Run it.", tools=[{"type": "custom", "custom": {"name": "shell"}}])
    assert label(request, call(("shell", "ls -l"))) == "ok"
    assert label(request, call(("bash", "ls -l"))) == "unknown_function"
    anthropic = Request("/v1/messages", {"tools": [{"type": "custom", **MESSAGES_TOOL}]})
    assert label(anthropic, call(("weather", "ls"))) == "not_json"


def test_the_rate_of_calling_is_judged_both_ways_where_the_model_may_choose() -> None:
    assert (Called().variable(AUTO), Uncalled().variable(AUTO)) == ("tools.called", "tools.uncalled")
    assert (Called().variable(REQUIRED), Uncalled().variable(NAMED)) == (None, None)
    silent, calls = said("It rains."), call(GOOD)
    assert (Called().failure(AUTO, calls).failed, Uncalled().failure(AUTO, calls).failed) == (1.0, 0.0)
    assert (Called().failure(AUTO, silent).failed, Uncalled().failure(AUTO, silent).failed) == (0.0, 1.0)
    assert Called().failure(AUTO, silent).label == Uncalled().failure(AUTO, silent).label == "uncalled"
