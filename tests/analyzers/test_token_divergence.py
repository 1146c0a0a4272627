from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.finding import Measurement, Need, NotApplicable, Reply
from analyzers.pair import Exchange, Pair, Request, ToolCall
from analyzers.token_divergence import MAX_CHARS, MAX_TOKENS, TokenDivergence
from analyzers.token_divergence.divergence import FIGURES, Row, divergence, kl_bound, rows
from tests.analyzers.exchanges import ask, pair, said

ANALYZER = TokenDivergence()
PAIR = pair(ask("What is 1 + 1?", model="m"), said("2"), said("3"))


def ids(*tokens: int) -> Reply:
    return Reply(200, {"tokens": list(tokens), "count": len(tokens)})


def forced(*entries: dict[int, float] | None) -> Reply:
    told = [
        None if row is None else {str(token): {"logprob": value} for token, value in row.items()} for row in entries
    ]
    return Reply(200, {"choices": [{"prompt_logprobs": told}]})


TOKENS = (ids(1, 2), ids(7, 8)) * 2
LIKE = {3: math.log(0.2)}


def probabilities(**told: float) -> dict[int, float]:
    return {int(token[1:]): math.log(value) for token, value in told.items()}


def test_it_asks_for_token_ids_first_and_then_for_their_probabilities_of_both_servers() -> None:
    first = ANALYZER.score(PAIR)
    assert isinstance(first, Need)
    assert [(probe.arm, probe.path) for probe in first.probes] == [
        ("baseline", "/tokenize"),
        ("baseline", "/tokenize"),
        ("candidate", "/tokenize"),
        ("candidate", "/tokenize"),
    ]
    assert first.probes[0].body == {"model": "m", "messages": PAIR.request.body["messages"]}
    assert first.probes[1].body == {"model": "m", "prompt": "2", "add_special_tokens": False}
    second = ANALYZER.score(PAIR, TOKENS)
    assert isinstance(second, Need)
    assert [(probe.arm, probe.path, probe.body["prompt"]) for probe in second.probes] == [
        ("baseline", "/v1/completions", [1, 2, 7, 8]),
        ("candidate", "/v1/completions", [1, 2, 7, 8]),
    ]


def test_what_it_measures() -> None:
    ours = forced(None, LIKE, probabilities(t7=0.9, t1=0.1), probabilities(t8=0.5, t9=0.4))
    theirs = forced(None, LIKE, probabilities(t7=0.6, t1=0.4), probabilities(t8=0.3, t9=0.6))
    found = ANALYZER.score(PAIR, (*TOKENS, ours, theirs))
    assert isinstance(found, Measurement)
    figures = dict(zip(FIGURES, found.figures, strict=True))
    first = 0.9 * math.log(0.9 / 0.6) + 0.1 * math.log(0.1 / 0.4)
    second = 0.5 * math.log(0.5 / 0.3) + 0.4 * math.log(0.4 / 0.6)
    assert figures["log_likelihood_ratio"] == pytest.approx(math.log(0.9 / 0.6) + math.log(0.5 / 0.3))
    assert figures["kl"] == pytest.approx((first + second) / 2)
    assert figures["top1_disagreement"] == 0.5
    assert figures["first_disagreement"] == 0.5
    assert figures["margin"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("answer", "replies", "why"),
    [
        (said(""), (), "no_plain_text"),
        (said("a", "b"), (), "no_plain_text"),
        (said("a", calls=(ToolCall("f", "{}"),)), (), "no_plain_text"),
        (said("a" * (MAX_CHARS + 1)), (), "too_long"),
        (said("a"), (Reply(404, {}), *TOKENS[1:]), "unsupported"),
        (said("a"), (*TOKENS[:3], ids(7, 9)), "other_tokens"),
        (said("a"), (ids(1), ids(2), ids(3), ids(2)), "other_tokens"),
        (said("a"), (Reply(200, {}), *TOKENS[1:]), "unreadable"),
        (said("a"), (ids(1), Reply(200, {"tokens": ["7"]}), *TOKENS[2:]), "unreadable"),
        (said("a"), (ids(*range(MAX_TOKENS)), ids(7)) * 2, "too_long"),
        (said("a"), (*TOKENS, Reply(400, {}), Reply(400, {})), "unsupported"),
        (said("a"), (*TOKENS, forced(None), forced(None)), "unreadable"),
        (said("a"), (*TOKENS, *[forced(None, LIKE, LIKE, LIKE)] * 2), "unreadable"),
        (said("a"), (*TOKENS, *[Reply(200, {"choices": [{"prompt_logprobs": 5}]})] * 2), "unreadable"),
    ],
)
def test_it_says_why_it_does_not_apply(answer: Exchange, replies: tuple[Reply, ...], why: str) -> None:
    assert ANALYZER.score(pair(PAIR.request, answer, said("b")), replies) == NotApplicable(why)
    assert why in ANALYZER.labels


@pytest.mark.parametrize(
    ("path", "body", "applies"),
    [
        ("/v1/chat/completions", {"model": "m", "messages": []}, True),
        ("/v1/chat/completions", {"messages": []}, False),
        ("/v1/completions", {"model": "m", "prompt": "a"}, True),
        ("/v1/completions", {"model": "m", "prompt": ["a"]}, False),
        ("/v1/messages", {"model": "m", "messages": []}, False),
        ("/v1/embeddings", {"model": "m", "input": "a"}, False),
    ],
)
def test_who_is_measured_depends_on_the_request_alone(path: str, body: dict[str, Any], applies: bool) -> None:  # noqa: FBT001
    assert ANALYZER.applies(Pair("p", Request(path, body), said("a"), said("b"))) is applies


shares = st.lists(st.floats(0.001, 1), min_size=8, max_size=8).map(lambda each: [x / sum(each) for x in each])


@given(shares, shares, st.integers(1, 7), st.integers(1, 7))
def test_the_bound_is_never_above_the_divergence_and_never_below_zero(
    p: list[float], q: list[float], top_p: int, top_q: int
) -> None:
    def told(shares: list[float], top: int) -> dict[int, float]:
        best = sorted(range(8), key=lambda token: -shares[token])[:top]
        return {token: math.log(shares[token]) for token in {0, *best}}

    exact = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert 0 <= kl_bound(told(p, top_p), told(q, top_q)) <= exact + 1e-9


def test_a_server_is_not_far_from_itself_whatever_it_tells() -> None:
    row = Row(1, {1: -0.5, 2: -9_999.0})
    assert divergence([row], [row]) == (0.0, 0.0, 0.0, 1.0, 0.0)


@given(
    st.recursive(
        st.none() | st.floats() | st.text(max_size=3),
        lambda c: st.lists(c, max_size=3) | st.dictionaries(st.sampled_from(["1", "logprob", "x"]), c),
    )
)
def test_no_body_makes_it_raise(told: Any) -> None:
    body = {"choices": [{"prompt_logprobs": told}]}
    found = rows(body, 0, [1])
    if found is not None:
        assert all(math.isfinite(figure) for figure in divergence(found, found))
