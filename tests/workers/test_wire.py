"""A child that has read hostile text may say anything; the parent believes only what a sound child says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import registry
from analyzers.pair import Capture
from proxy.report import Analysis
from proxy.workers import wire
from tests.workers.pool_harness import captured

SERVED = {"served": registry.load(["served"])[0]}
TASK = wire.Task(3, captured(), "paired", ("served",))
ARM = [1, 2, None, [0.5]]
SCORED = {"seconds": 0.1, "variable": "served", "scores": [[0.0, "ok"], [1.0, "http_5xx"]]}
SOUND = {"number": 3, "outcomes": {"served": SCORED}, "arms": {"baseline": ARM, "candidate": ARM, "repeat": None}}


def heard(said: Any) -> wire.Result:
    return wire.result(orjson.dumps(said), TASK, SERVED)


@pytest.mark.parametrize("repeat", [None, TASK.pair.baseline])
def test_a_task_arrives_as_it_was_sent(repeat: Capture | None) -> None:
    pair = replace(TASK.pair, repeat=repeat, headers={"x-slipgauge-gold": "5"}, inclusion=0.05)
    task = replace(TASK, pair=pair)
    assert wire.unpack(wire.pack(task)) == task


def test_a_sound_answer_is_taken() -> None:
    result = heard(SOUND)
    finding = result.outcomes["served"].finding
    assert finding is not None
    assert finding.slip == 1.0
    assert result.baseline.gaps == (0.5,)


@pytest.mark.parametrize(
    "change",
    [
        {"number": 4},
        {"outcomes": {}},
        {"outcomes": {"json": SCORED}},
        {"outcomes": [["served", SCORED]]},
        {"arms": {}},
        {"arms": {"baseline": [-1, 2, None, []], "candidate": ARM, "repeat": None}},
        {"arms": {"baseline": [1, True, None, []], "candidate": ARM, "repeat": None}},
        {"arms": {"baseline": [1, 2, -0.5, []], "candidate": ARM, "repeat": None}},
        {"arms": {"baseline": [1, 2, None, [0.1] * 1_000], "candidate": ARM, "repeat": None}},
        {"outcomes": {"served": {**SCORED, "seconds": "1"}}},
    ],
)
def test_an_unsound_answer_is_garbage(change: dict[str, Any]) -> None:
    with pytest.raises(wire.GarbageError):
        heard({**SOUND, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"variable": "customer text"},
        {"variable": ["served"]},
        {"scores": []},
        {"scores": [[0.0, "ok"]]},
        {"scores": [[0.0, "ok"], [0.0, "customer text"]]},
        {"scores": [[0.0, "ok"], [2.0, "ok"]]},
        {"scores": [[0.0, "ok"], [True, "ok"]]},
        {"scores": [[0.0, "ok"], [0.0, ["ok"]]]},
    ],
)
def test_a_breach_of_an_analyzers_contract_is_its_own_failure(change: dict[str, Any]) -> None:
    outcome = heard({**SOUND, "outcomes": {"served": {**SCORED, **change}}}).outcomes["served"]
    assert (outcome.analysis, outcome.failure, outcome.finding) == (Analysis.KILLED, "invalid", None)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_result_or_garbage(body: bytes) -> None:
    with pytest.raises(wire.GarbageError):
        wire.result(body, TASK, SERVED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats() | st.sampled_from(["served", "ok"]),
    lambda child: (
        st.lists(child, max_size=4)
        | st.dictionaries(st.sampled_from(["seconds", "variable", "scores"]), child, max_size=3)
    ),
)


@given(JSON)
def test_any_outcome_is_judged(outcome: Any) -> None:
    try:
        assert set(heard({**SOUND, "outcomes": {"served": outcome}}).outcomes) == {"served"}
    except wire.GarbageError:
        return
