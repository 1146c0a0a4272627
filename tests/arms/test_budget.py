from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.gateway.arms.budget import BURST, DEBT, TokenBudget, prompt_tokens, spent_tokens
from proxy.gateway.capture import Recorder
from proxy.gateway.response import ResponseHead


def test_legs_start_while_the_balance_is_positive_and_again_once_the_debt_is_paid() -> None:
    budget = TokenBudget(100.0, now=0.0)
    assert budget.take(499, 0.0)
    assert budget.take(301, 0.0)  # beyond what is there: 300 in debt
    assert not budget.take(1, 0.0)
    assert not budget.take(1, 3.0)
    assert budget.take(1, 3.1)


def test_no_more_than_a_burst_is_saved_up() -> None:
    budget = TokenBudget(100.0, now=0.0)
    assert budget.take(int(100 * BURST), 1e6)
    assert not budget.take(1, 1e6)


def test_what_was_charged_too_much_or_too_little_is_made_good() -> None:
    budget = TokenBudget(100.0, now=0.0)
    assert budget.take(1_000, 0.0)
    assert not budget.take(0, 0.0)
    budget.settle(1_000, 100)
    assert budget.take(0, 0.0)
    budget.settle(0, 900)
    assert not budget.take(0, 0.0)


def test_a_debt_ends_after_a_while_however_large_the_prompt_or_the_answer() -> None:
    budget = TokenBudget(100.0, now=0.0)
    assert budget.take(1_000_000, 0.0)  # no more than the debt's end is charged, from a balance of a burst
    assert not budget.take(1, DEBT - BURST)
    assert budget.take(1, DEBT - BURST + 0.1)
    budget.settle(1, 1_000_000)
    budget.settle(1, 1_000_000)
    assert not budget.take(1, 2 * DEBT - BURST + 0.1)
    assert budget.take(1, 2 * DEBT - BURST + 0.2)


def test_a_prompt_that_was_taken_for_a_huge_one_gives_back_only_what_it_was_charged() -> None:
    budget = TokenBudget(100.0, now=0.0)
    assert budget.take(400, 0.0)
    assert budget.take(1_000_000, 0.0)
    budget.settle(1_000_000, 0)
    assert budget.take(101, 0.0)  # the hundred that was left before
    assert not budget.take(1, 0.0)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 3_000)), max_size=50))
def test_what_is_spent_never_exceeds_the_rate_by_more_than_a_burst_and_one_leg(
    legs: list[tuple[float, int]],
) -> None:
    budget, now, spent = TokenBudget(100.0, now=0.0), 0.0, 0
    for wait, tokens in legs:
        now += wait
        if budget.take(tokens, now):
            spent += tokens
        assert spent <= 100.0 * (now + BURST) + 3_000


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 10), st.integers(0, 10**7)), max_size=50))
def test_nothing_stops_legs_for_longer_than_the_largest_debt(events: list[tuple[bool, float, int]]) -> None:
    budget, now = TokenBudget(100.0, now=0.0), 0.0
    for ends, wait, tokens in events:
        now += wait
        if ends:
            budget.settle(0, tokens)
        else:
            budget.take(tokens, now)
    assert budget.take(1, now + DEBT + 0.1)


def test_a_prompt_is_estimated_by_its_bytes() -> None:
    assert prompt_tokens(4_000) == 1_001


@pytest.mark.parametrize(
    ("pieces", "streamed", "expected"),
    [
        ([b'{"choices":[],"usage":{"prompt_tokens":9,"total_tokens":12,"completion_tokens":3}}'], False, 12),
        ([b'{"data":[', b"0.1," * 9_000, b'],"usage":{"prompt_tokens":8,"total_', b'tokens": 8}}'], False, 8),
        ([b"data: {}\n\n" * 99, b'data: {"usage":{"total_tokens":77}}\n\ndata: [DONE]\n\n'], True, 77),
        (
            [b'{"content":[{"input":{"usage":{"total_tokens":1}}}],"usage":{"input_tokens":20,"output_tokens":5}}'],
            False,
            25,
        ),
        (
            [b'{"input":{"total_tokens":1},"text":"\\"usage\\":{\\"total_tokens\\":1"}', b" " * 333],
            False,
            100 + 100,
        ),
        ([b'{"usage":{"total_tokens":12345678}}', b" " * 365], False, 100 + 100),
        ([b'{"usage":null}', b" " * 386], False, 100 + 100),
        ([b"x" * 240] * 50, True, 100 + 50),
        ([], False, 100),
    ],
)
def test_a_leg_took_what_its_answer_says_or_else_an_estimate(
    pieces: list[bytes], expected: int, *, streamed: bool
) -> None:
    assert spent_tokens(100, answer(200, pieces, streamed=streamed)) == expected


def answer(status: int | None, pieces: list[bytes], *, streamed: bool = False) -> Recorder:
    recorder = Recorder(10**6)
    if status is not None:
        kind = b"text/event-stream; charset=utf-8" if streamed else b"application/json"
        recorder.head = ResponseHead(status, b"", b"\r\nContent-Type: " + kind, None)
    for piece in pieces:
        assert recorder.data(piece, 0.0)
    return recorder


def test_a_request_refused_by_its_server_took_nothing_and_one_without_an_answer_its_prompt() -> None:
    assert spent_tokens(100, answer(400, [b"x" * 50])) == 0
    assert spent_tokens(100, answer(429, [b"x" * 50])) == 0
    assert spent_tokens(100, answer(None, [])) == 100
    assert spent_tokens(100, answer(500, [])) == 100
