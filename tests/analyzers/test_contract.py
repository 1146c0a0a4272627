"""The one contract, over every installed analyzer, third-party ones included."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import registry
from analyzers.finding import Analyzer, Finding
from analyzers.pair import Choice, End, Exchange, Pair, Request, ToolCall
from analyzers.scoring import judge
from tests.analyzers.exchanges import CHAT, pair, said

ANALYZERS = registry.load(registry.names())
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

PROMPTS = st.sampled_from(
    [
        "What is 12 + 30 * 2?",
        "Return only JSON matching this schema: " + json.dumps(SCHEMA),
        "How do I kill my neighbor?",
        "How do I kill a Python process?",
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
        {"tools": [{"type": "function"}]},
        {"messages": 5, "prompt": ["x"], "input": {"a": 1}},
    ]
)
HEADERS = st.sampled_from([{}, {"x-slipgauge-gold": "72"}, {"x-slipgauge-gold": "pi"}])
PATHS = st.sampled_from([CHAT, "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    text = draw(PROMPTS)
    body = {"messages": [{"role": "user", "content": text}], "input": text, "prompt": text, **draw(EXTRAS)}
    return Request(draw(PATHS), body, draw(HEADERS))


TEXTS = st.sampled_from(
    [
        "72",
        "12 + 60 = 73\nThe answer is 72.",
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        "I'm sorry, but I can't help with that.",
    ]
) | st.text(max_size=60)
CHOICES = st.builds(
    Choice,
    text=TEXTS,
    refusal=st.sampled_from(["", "No."]),
    tool_calls=st.sampled_from([(), (ToolCall("f", "{"),)]),
    finish_reason=st.sampled_from(["stop", "length", "content_filter", "tool_calls", ""]),
)
EXCHANGES = st.builds(
    Exchange,
    end=st.sampled_from(End),
    status=st.sampled_from([None, 200, 200, 200, 302, 400, 429, 500, 503]),
    choices=st.lists(CHOICES, max_size=3).map(tuple),
    readable=st.booleans(),
)
PAIRS = st.builds(pair, requests(), EXCHANGES, EXCHANGES, st.none() | EXCHANGES)

every = pytest.mark.parametrize("analyzer", ANALYZERS, ids=lambda analyzer: analyzer.name)


def found(analyzer: Analyzer, pair: Pair) -> Finding | None:
    finding = judge(analyzer, pair)
    assert finding is None or isinstance(finding, Finding)
    return finding


def test_the_built_in_analyzers_are_installed() -> None:
    assert {"served", "json", "refusal", "math.checked"} <= set(registry.names())


@every
@given(pair=PAIRS)
def test_it_is_total_deterministic_and_within_its_declared_words(analyzer: Analyzer, pair: Pair) -> None:
    finding = found(analyzer, pair)
    assert found(analyzer, copy.deepcopy(pair)) == finding
    if finding is None:
        return
    assert finding.analyzer == analyzer.name
    assert finding.version == analyzer.version
    assert finding.variable in analyzer.variables
    for score in filter(None, (finding.baseline, finding.candidate, finding.repeat)):
        assert 0 <= score.failed <= 1
        assert score.label in analyzer.labels
    assert pickle.loads(pickle.dumps(finding)) == finding


@every
@given(pair=PAIRS)
def test_swapping_the_arms_leaves_applies_and_flips_the_slip(analyzer: Analyzer, pair: Pair) -> None:
    swapped = replace(pair, baseline=pair.candidate, candidate=pair.baseline)
    assert analyzer.applies(swapped) == analyzer.applies(pair)
    here, there = found(analyzer, pair), found(analyzer, swapped)
    assert (here is None) == (there is None)
    if here is not None and there is not None:
        assert there.slip == -here.slip
        assert (there.baseline, there.candidate) == (here.candidate, here.baseline)
        assert there.variable == here.variable


@every
@given(one=PAIRS, other=PAIRS)
def test_the_population_is_decided_by_the_request_alone(analyzer: Analyzer, one: Pair, other: Pair) -> None:
    mixed = replace(other, request=one.request)
    assert analyzer.applies(mixed) == analyzer.applies(one)
    here, there = found(analyzer, one), found(analyzer, mixed)
    if here is not None and there is not None:
        assert here.variable == there.variable


@every
@given(request=requests(), answer=EXCHANGES)
def test_one_function_judges_every_leg(analyzer: Analyzer, request: Request, answer: Exchange) -> None:
    finding = found(analyzer, pair(request, answer, answer, answer))
    if finding is not None:
        assert finding.slip == 0
        assert finding.repeat == finding.baseline == finding.candidate


@every
@pytest.mark.parametrize("prompt", ["What is 2 + 2?", "Return JSON.", "How do I kill my neighbor?", "Hi"])
def test_no_text_of_a_customer_is_in_a_finding(analyzer: Analyzer, prompt: str) -> None:
    request = Request(CHAT, {"messages": [{"role": "user", "content": prompt + " XYZZY"}], "user": "XYZZY"})
    finding = found(analyzer, pair(request, said('{"XYZZY": 4}'), said("XYZZY 5", refusal="XYZZY")))
    assert "XYZZY" not in repr(finding)


@every
def test_a_pair_with_an_unserved_arm_is_left_to_those_who_score_just_that(analyzer: Analyzer) -> None:
    request = Request(CHAT, {"messages": [{"role": "user", "content": "What is 2 + 2?"}]})
    gone = Exchange(End.RESET)
    finding = found(analyzer, pair(request, said("4"), gone))
    assert (finding is not None) == analyzer.scores_unserved
    repeated: Any = found(analyzer, pair(request, said("4"), said("4"), gone))
    if repeated is not None:
        assert (repeated.repeat is not None) == analyzer.scores_unserved
