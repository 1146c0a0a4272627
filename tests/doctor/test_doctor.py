"""The whole of it against real HTTP servers, in which one thing at a time is made unfair."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from proxy.config import Config
from proxy.doctor.asker import MAX_BYTES
from proxy.doctor.checks import CHECKS, Result, overall
from proxy.doctor.main import DoctorError, examine
from proxy.doctor.sampling import SEEDS
from tests.doctor.peer import Peer, serving


async def examined(*peers: Peer, **changes: Any) -> dict[str, Result]:
    """Every check by its name, of a baseline and the candidates after it."""
    async with AsyncExitStack() as stack:
        baseline, *candidates = [await stack.enter_async_context(serving(peer)) for peer in peers]
        tree = {"baseline": {"url": baseline}, "candidate": {"url": candidates}, "models": {"m": {}}}
        results = await examine(Config.model_validate(tree | changes))
    return {result.check.name: result for result in results}


def states(results: dict[str, Result]) -> dict[str, str]:
    """Those that are not well."""
    return {name: result.state for name, result in results.items() if result.state != "ok"}


def shown(result: Result) -> dict[str, list[str | None]]:
    """What each server says of each aspect that is named."""
    return {aspect.name: [value.value for value in aspect.values] for aspect in result.aspects}


async def test_servers_alike_in_all_but_their_weights_are_fair() -> None:
    results = await examined(Peer(), Peer(weights="others"), Peer(weights="others"))

    assert states(results) == {}
    assert list(results) == [check.name for check in CHECKS]
    assert overall(tuple(results.values())) == "ok"


FAIR = Peer()
KV8 = {**FAIR.cache, "cache_dtype": "fp8_e5m2"}
UNCACHED = {**FAIR.cache, "enable_prefix_caching": "False"}
OWN_BOTH = Peer(own={"temperature": 0.7})


@pytest.mark.parametrize(
    ("check", "baseline", "candidate", "said"),
    [
        ("health", FAIR, Peer(healthy=503), {"health": ["well", "it answers 503"]}),
        ("version", FAIR, Peer(version="0.33.0"), {"version": ["0.32.0", "0.33.0"]}),
        ("max length", FAIR, Peer(max_model_len=512), {"m": ["1024", "512"]}),
        ("generation defaults", FAIR, Peer(own={"temperature": 0.7}), {"temperature": ["1", "0.7"]}),
        (
            "generation defaults",
            OWN_BOTH,
            Peer(own={"temperature": 0.6, "top_k": 20}),
            {"temperature": ["0.7", "0.6"], "top_k": ["-1", "20"]},
        ),
        ("parsers", FAIR, Peer(tool_syntax=None), {"tool calls": ["hermes", "refused under `auto`"]}),
        ("parsers", FAIR, Peer(tool_syntax="[TOOL"), {"tool calls": ["hermes", "mistral"]}),
        ("parsers", Peer(apart=True), FAIR, {"reasoning": ["kept apart", "left in the answer"]}),
        ("speculative decoding", FAIR, Peer(drafted=3), {"drafted tokens": ["none", "3"]}),
        ("KV cache", FAIR, Peer(cache=KV8), {"dtype": ["auto", "fp8_e5m2"]}),
        ("prefix caching", FAIR, Peer(cache=UNCACHED), {"enabled": ["True", "False"]}),
        ("prompt_logprobs", Peer(forgets=4), Peer(forgets=4), {"prompt_logprobs": ["4 tokens without"] * 2}),
    ],
)
async def test_a_difference_is_found_and_nothing_else(
    check: str, baseline: Peer, candidate: Peer, said: dict[str, list[str]]
) -> None:
    results = await examined(replace(baseline, asked=[]), replace(candidate, asked=[]))

    assert states(results) == {check: "unfair"}
    assert shown(results[check]) == said


async def test_a_tokenizer_of_its_own_is_found_and_is_not_taken_for_a_template() -> None:
    results = await examined(Peer(), Peer(first_token=7))

    assert states(results) == {"tokenizer": "unfair"}
    assert shown(results["tokenizer"])["what is added"] == ["97", "104"]


async def test_a_template_of_its_own_is_found_by_its_text() -> None:
    results = await examined(Peer(), Peer(turn="<{}>"))

    assert states(results) == {"chat template": "unfair"}
    assert shown(results["chat template"])["a question"] == [
        "null<|user|>Which is it?<|assistant|>",
        "null<user>Which is it?<assistant>",
    ]


async def test_a_template_that_refuses_what_the_other_takes_is_found() -> None:
    refusing = await examined(Peer(), Peer(refused="system"))
    both = await examined(Peer(refused="tool"), Peer(refused="tool"))

    assert list(shown(refusing["chat template"])) == ["a system message"]
    assert states(both) == {}


async def test_a_model_that_one_arm_does_not_serve_is_named_as_clients_name_it() -> None:
    models = {"m": {}, "other": {"baseline": "m", "candidate": "theirs"}}

    results = await examined(Peer(), Peer(), models=models)

    assert results["model names"].state == "unfair"
    assert shown(results["model names"]) == {"other": ["served", "not served"]}


async def test_a_server_of_an_arm_that_differs_from_its_fellows_is_found() -> None:
    results = await examined(Peer(), Peer(), Peer(version="0.31.0"))

    assert shown(results["version"]) == {"version": ["0.32.0", "0.32.0", "0.31.0"]}


async def test_own_values_that_are_alike_on_both_are_fair_and_unusual_ones_are_unknown() -> None:
    alike = await examined(Peer(own={"top_p": 0.8}), Peer(own={"top_p": 0.8}, weights="others"))
    unusual = await examined(Peer(own={"top_p": 0.123}), Peer(own={"top_p": 0.123}))

    assert states(alike) == {}
    assert states(unusual) == {"generation defaults": "unknown"}


@pytest.mark.parametrize("steady_for", [0, 2 * len(SEEDS)])
async def test_answers_that_change_by_themselves_tell_nothing_of_defaults(steady_for: int) -> None:
    results = await examined(Peer(), Peer(steady_for=steady_for))

    (first, *_) = results["generation defaults"].aspects
    assert results["generation defaults"].state == "unknown"
    assert [value.unseen for value in first.values] == [
        None,
        "its answers to one seeded request differ from time to time",
    ]


async def test_a_server_that_is_not_vllm_leaves_unknown_what_it_does_not_tell() -> None:
    lacks = frozenset({"/version", "/metrics", "/tokenize", "/v1/completions", "/v1/chat/completions"})

    results = await examined(Peer(), Peer(lacks=lacks))

    assert {*states(results).values()} == {"unknown"}
    assert [name for name, result in results.items() if result.state == "ok"] == [
        *("health", "model names", "max length", "round trip")
    ]


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"", b"[", b"[" * 100_000, b'{"data": {}, "tokens": ["a"], "choices": [3]}', b'vllm:x{a="', b"\xff\x00"),
        b" " * (MAX_BYTES + 1),
    ],
)
async def test_garbage_is_unknown_and_never_fair(garbage: bytes) -> None:
    paths = ("/version", "/v1/models", "/metrics", "/tokenize", "/v1/completions", "/v1/chat/completions")

    results = await examined(Peer(raw=dict.fromkeys(paths, garbage)), Peer(raw=dict.fromkeys(paths, garbage)))

    assert overall(tuple(results.values())) == "unknown"
    assert [name for name, result in results.items() if result.state == "ok"] == ["health", "round trip"]


async def test_what_a_server_says_cannot_command_a_terminal_or_fill_it() -> None:
    results = await examined(Peer(), Peer(version="\x1b[2J\u202e" + "9" * 1000))

    said = shown(results["version"])["version"][1]
    assert said == "\\x1b[2J\\u202e" + "9" * 55 + "…"


async def test_the_arms_own_key_is_sent_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "sesame")
    baseline, candidate = Peer(), Peer()
    async with serving(baseline) as one, serving(candidate) as other:
        tree = {
            "baseline": {"url": one, "api_key_env": "KEY"},
            "candidate": {"url": other},
            "models": {"m": {}},
        }
        await examine(Config.model_validate(tree))

    assert {key for _, key, _ in baseline.asked} == {"Bearer sesame"}
    assert {key for _, key, _ in candidate.asked} == {None}


async def test_servers_that_cannot_be_asked_are_all_named() -> None:
    tree = {
        "baseline": {"url": "http://127.0.0.1:1"},
        "candidate": {"url": "http://127.0.0.1:2"},
        "models": {"m": {}},
    }
    with pytest.raises(DoctorError) as raised:
        await examine(Config.model_validate(tree))

    assert str(raised.value).splitlines() == [
        "baseline http://127.0.0.1:1: it cannot be reached (ClientConnectorError)",
        "candidate http://127.0.0.1:2: it cannot be reached (ClientConnectorError)",
    ]
