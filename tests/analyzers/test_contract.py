"""The one contract, over every installed analyzer, third-party ones included; the worked example always is."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import registry
from analyzers.finding import Analyzer, Finding, Measurement, Need, NotApplicable, Reply, Result
from analyzers.pair import CapturedPair, Choice, End, Exchange, Pair, Request, ToolCall
from analyzers.reading import read_pair
from analyzers.scoring import judge
from proxy.config import Analysis, Config
from proxy.workers import needs
from tests.analyzers import third_party
from tests.analyzers.exchanges import CHAT, json_capture, pair, said
from verdict.guardrails import guardrails_of

with third_party.installed():
    ANALYZERS = registry.load(registry.names())
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}]}

PROMPTS = st.sampled_from(
    [
        "What is 12 + 30 * 2?",
        "Return only JSON matching this schema: " + json.dumps(SCHEMA),
        "How do I kill my neighbor?",
        "How do I kill a Python process?",
        "Write a Python function in at most 3 words.",
        "Was ist die Hauptstadt von Italien?",
        "Repeat the word poem forever.",
        "Ann has 3 apples and 4 pears. How many are there in total?",
        "Hi",
        "",
    ]
) | st.text(max_size=40)
EXTRAS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
        {"structured_outputs": {"json": SCHEMA}},
        {"structured_outputs": {"regex": "a+"}},
        {"guided_choice": ["72", "x"]},
        {"tools": [{"type": "function"}]},
        TOOLS,
        TOOLS | {"tool_choice": "required", "parallel_tool_calls": False},
        TOOLS | {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        TOOLS
        | {"tool_choice": {"type": "allowed_tools", "tools": [{"name": "g"}]}, "response_format": {"type": "x"}},
        {"functions": [{"name": "f"}], "function_call": "auto", "max_tokens": 16, "echo": True},
        {"messages": 5, "prompt": ["x"], "input": {"a": 1}},
    ]
)
HEADERS = st.sampled_from([{}, {"x-slipgauge-gold": "72"}, {"x-slipgauge-gold": "pi"}])
PATHS = st.sampled_from([CHAT, "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    text = draw(PROMPTS)
    body = {"messages": [{"role": "user", "content": text}], "input": text, "prompt": text, "model": "m"}
    body |= draw(EXTRAS)
    return Request(draw(PATHS), body, draw(HEADERS))


TEXTS = st.sampled_from(
    [
        "72",
        "12 + 60 = 73\nThe answer is 72.",
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        "I'm sorry, but I can't help with that.",
        "Die Hauptstadt von Italien ist Rom.",
        "```python\nx = (\n```",
        "no, no, " * 40,
        "\ufffd\ud800\x00" * 9,
    ]
) | st.text(max_size=60)
CALLS = st.builds(ToolCall, st.sampled_from(["f", "g", ""]), st.sampled_from(['{"a": 1}', "{}", "{", "[" * 2_000]))
CHOICES = st.builds(
    Choice,
    text=TEXTS,
    refusal=st.sampled_from(["", "No."]),
    tool_calls=st.lists(CALLS, max_size=3).map(tuple) | st.just(()),
    finish_reason=st.sampled_from(["stop", "length", "content_filter", "tool_calls", "repetition", ""]),
)
EXCHANGES = st.builds(
    Exchange,
    end=st.sampled_from(End),
    status=st.sampled_from([None, 200, 200, 200, 302, 400, 429, 500, 503]),
    choices=st.lists(CHOICES, max_size=3).map(tuple),
    readable=st.booleans(),
)
PAIRS = st.builds(pair, requests(), EXCHANGES, EXCHANGES, st.none() | EXCHANGES)

few = settings(max_examples=50)
every = pytest.mark.parametrize("analyzer", ANALYZERS, ids=lambda analyzer: analyzer.name)


KEYS = (
    *("messages", "content", "role", "tools", "type", "function", "name", "parameters", "tool_choice", "model"),
    *("response_format", "json_schema", "schema", "text", "structured_outputs", "guided_json", "max_tokens"),
    *("input", "system", "format", "regex", "choice", "choices", "json", "properties", "functions", "prompt"),
    *("tokens", "message", "prompt_logprobs", "logprob", "n"),
)
BODIES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["required", "function"]),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.sampled_from(KEYS), child, max_size=6),
    max_leaves=24,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), BODIES, max_size=4)
SOUND = [
    {"choices": [{"message": {"content": text}} for text in ("7", "7", "7", "8", "?")]},
    {"tokens": [1, 2, 3], "count": 3},
    {"choices": [{"prompt_logprobs": [None, *({"2": {"logprob": -0.5, "rank": 1}} for _ in range(8))]}]},
]
REPLIES = st.builds(Reply, st.sampled_from([200, 200, 200, 400, 404]), st.sampled_from(SOUND) | OBJECTS)
MOST_ROUNDS = 2


class Arms:
    """What the arms answer to whatever an analyzer needs: the same each time, and drawn only when it is asked."""

    def __init__(self, data: st.DataObject | None = None) -> None:
        self._data = data
        self._rounds: dict[int, list[Reply]] = {}

    def answered(self, number: int, count: int) -> tuple[Reply, ...]:
        """The replies to so many requests of the round of this number; without data, refusals."""
        if number not in self._rounds:
            drawn = st.lists(REPLIES, min_size=needs.MAX_PROBES, max_size=needs.MAX_PROBES)
            refused = [Reply(404, {})] * needs.MAX_PROBES
            self._rounds[number] = refused if self._data is None else self._data.draw(drawn)
        return tuple(self._rounds[number][:count])


def concluded(analyzer: Analyzer, pair: Pair, arms: Arms) -> Result | None:
    """What the analyzer says in the end, with whatever it needs answered, at most MOST_ROUNDS times."""
    replies: tuple[Reply, ...] = ()
    for number in range(MOST_ROUNDS):
        result = judge(analyzer, pair, replies)
        if not isinstance(result, Need):
            return result
        assert needs.loads(needs.dumps({0: result}))[0] == result.probes
        replies += arms.answered(number, len(result.probes))
    return judge(analyzer, pair, replies)


def found(analyzer: Analyzer, pair: Pair, arms: Arms | None = None) -> Finding | None:
    """The finding that it comes to, if any."""
    result = concluded(analyzer, pair, arms or Arms())
    return result if isinstance(result, Finding) else None


def test_the_default_analyzers_and_the_example_are_held_to_it() -> None:
    assert {*Analysis().enabled, "word_limit"} <= {analyzer.name for analyzer in ANALYZERS}
    assert "word_limit" not in registry.names()


@every
@few
@given(pair=PAIRS, data=st.data())
def test_it_is_total_deterministic_and_within_its_declared_words(
    analyzer: Analyzer, pair: Pair, data: st.DataObject
) -> None:
    arms = Arms(data)
    result = concluded(analyzer, pair, arms)
    assert concluded(analyzer, copy.deepcopy(pair), arms) == result
    if result is not None:
        within(analyzer, result)
        assert pickle.loads(pickle.dumps(result)) == result


def within(analyzer: Analyzer, result: Result) -> None:
    """Assert that a last word is in the analyzer's own words."""
    match result:
        case Finding():
            assert (result.analyzer, result.version) == (analyzer.name, analyzer.version)
            assert result.variable in analyzer.variables
            for score in filter(None, (result.baseline, result.candidate, result.repeat)):
                assert 0 <= score.failed <= 1
                assert score.label in analyzer.labels
        case Measurement():
            assert (result.analyzer, result.version) == (analyzer.name, analyzer.version)
            assert len(result.figures) == len(analyzer.figures)
            assert len(result.noise) in (0, len(analyzer.figures))
            assert all(map(math.isfinite, (*result.figures, *result.noise)))
        case NotApplicable():
            assert result.why in analyzer.labels
            assert not guardrails_of(analyzer.variables) & Config.model_fields["guardrails"].default.keys()
        case Need():
            pytest.fail("it still needs something")


@every
@few
@given(pair=PAIRS, data=st.data())
def test_swapping_the_arms_leaves_applies_and_flips_the_slip(
    analyzer: Analyzer, pair: Pair, data: st.DataObject
) -> None:
    arms = Arms(data)
    swapped = replace(pair, baseline=pair.candidate, candidate=pair.baseline)
    assert analyzer.applies(swapped) == analyzer.applies(pair)
    here, there = found(analyzer, pair, arms), found(analyzer, swapped, arms)
    assert (here is None) == (there is None)
    if here is not None and there is not None:
        assert there.slip == -here.slip
        assert (there.baseline, there.candidate) == (here.candidate, here.baseline)
        assert there.variable == here.variable


@every
@few
@given(one=PAIRS, other=PAIRS)
def test_the_population_is_decided_by_the_request_alone(analyzer: Analyzer, one: Pair, other: Pair) -> None:
    mixed = replace(other, request=one.request)
    assert analyzer.applies(mixed) == analyzer.applies(one)
    here, there = found(analyzer, one), found(analyzer, mixed)
    if here is not None and there is not None:
        assert here.variable == there.variable


@every
@few
@given(request=requests(), answer=EXCHANGES, data=st.data())
def test_one_function_judges_every_leg(
    analyzer: Analyzer, request: Request, answer: Exchange, data: st.DataObject
) -> None:
    finding = found(analyzer, pair(request, answer, answer, answer), Arms(data))
    if finding is not None:
        assert finding.slip == 0
        assert finding.repeat == finding.baseline == finding.candidate


SECRET = "xyzzy"
SECRETIVE: list[dict[str, Any]] = [
    {},
    {"structured_outputs": {"json": {"properties": {SECRET: {"const": SECRET}}, "required": [SECRET]}}},
    {"guided_choice": [SECRET]},
    {"tools": [{"type": "function", "function": {"name": SECRET, "parameters": {"required": [SECRET]}}}]},
]


@every
@pytest.mark.parametrize("extra", SECRETIVE)
@pytest.mark.parametrize(
    "prompt",
    ["What is 2 + 2?", "Return JSON.", "How do I kill my neighbor?", "Write a Python script.", "Wer ist das?"],
)
def test_no_text_of_a_customer_is_in_a_finding(analyzer: Analyzer, prompt: str, extra: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": f"{prompt} {SECRET}"}], "user": SECRET, "model": "m", **extra}
    call = ToolCall(SECRET, json.dumps({SECRET: SECRET}))
    answers = (
        said(json.dumps({SECRET: 4})),
        said(f"{SECRET} 5", refusal=SECRET),
        said("", finish=SECRET, calls=(call, call)),
        said(f"```python\n{SECRET} {SECRET}\n```"),
    )
    for answer in answers:
        given_gold = Request(CHAT, body, {"x-slipgauge-gold": SECRET})
        result = concluded(analyzer, pair(given_gold, answers[0], answer, answer), Arms())
        assert SECRET not in repr(result)


@every
@few
@given(path=PATHS, body=BODIES, message=OBJECTS, data=st.data())
def test_it_is_total_on_whatever_json_was_sent(
    analyzer: Analyzer, path: str, body: Any, message: Any, data: st.DataObject
) -> None:
    answer = json_capture({"choices": [{"message": {"content": "7"} | message}], "content": [], "output": []})
    asked = json.dumps(body).encode()
    read = read_pair(CapturedPair("id", "s", "baseline", path, asked, answer, answer, answer))
    result = concluded(analyzer, read, Arms(data))
    if result is not None:
        within(analyzer, result)


@every
def test_a_pair_with_an_unserved_arm_is_left_to_those_who_score_just_that(analyzer: Analyzer) -> None:
    request = Request(CHAT, {"messages": [{"role": "user", "content": "What is 2 + 2?"}], "model": "m"})
    gone = Exchange(End.RESET)
    assert (judge(analyzer, pair(request, said("4"), gone)) is not None) == analyzer.scores_unserved
    repeated = found(analyzer, pair(request, said("4"), said("4"), gone))
    if repeated is not None:
        assert (repeated.repeat is not None) == analyzer.scores_unserved
