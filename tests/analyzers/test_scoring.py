"""An answer that outgrew what may be captured, judged as far as it was read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.degeneration import Degeneration
from analyzers.pair import Capture, End, Exchange, ToolCall
from analyzers.reading import read_exchange
from analyzers.scoring import Bounds, bounds
from analyzers.truncation import Truncation
from tests.analyzers.exchanges import CHAT, ask, pair, said, stream_capture

HI = ask("Tell me about the sea.")
FINE = said("The sea is wide.")
GONE = Exchange(End.ABORTED)


def cut(answer: Exchange) -> Exchange:
    return replace(answer, end=End.TOO_LARGE)


LOOP = cut(said("and so on " * 100, finish=""))


@pytest.mark.parametrize(
    ("baseline", "candidate", "low", "high"),
    [
        (FINE, LOOP, 1.0, 1.0),
        (LOOP, FINE, -1.0, -1.0),
        (LOOP, LOOP, 0.0, 0.0),
        (GONE, LOOP, 0.0, 1.0),
        (FINE, cut(said("", finish="", calls=(ToolCall("f", '{"a": "' + "no " * 100),))), 1.0, 1.0),
        (FINE, cut(FINE), 0.0, 1.0),
        (FINE, cut(said("", finish="")), 0.0, 1.0),
        (FINE, cut(said("and so on " * 100, "The sea is", finish="")), 0.0, 1.0),
        (FINE, Exchange(End.TOO_LARGE, 200), 0.0, 1.0),
    ],
)
def test_a_loop_of_as_much_as_may_be_kept_is_one_on_either_arm_and_all_else_is_not_known(
    baseline: Exchange, candidate: Exchange, low: float, high: float
) -> None:
    assert bounds(Degeneration(), pair(HI, baseline, candidate)) == Bounds("degeneration", low, high)


def test_others_know_nothing_of_a_cut_answer() -> None:
    assert bounds(Truncation(), pair(HI, FINE, LOOP)) == Bounds("truncation", 0.0, 1.0)


def test_of_a_cut_stream_its_words_so_far_are_read() -> None:
    events = [{"choices": [{"index": 0, "delta": {"content": "and so on "}}]}] * 50
    whole = stream_capture(*events, done=None)
    captured = replace(whole, end=End.TOO_LARGE, body=whole.body[:-20])
    answer = read_exchange(CHAT, captured)

    assert (answer.end, answer.served) == (End.TOO_LARGE, False)
    assert [choice.text for choice in answer.choices] == ["and so on " * 49]


@pytest.mark.parametrize(
    "capture",
    [
        Capture(End.TOO_LARGE, 200, "application/json", body=b'{"choices": [{"message": {"content": "and so'),
        Capture(End.TOO_LARGE, 200, "text/event-stream", "gzip", body=b"data: {}\n\n"),
        Capture(End.TOO_LARGE, 200, "text/event-stream", body=b"data: {no JSON\n\n"),
        Capture(End.TOO_LARGE),
    ],
)
def test_of_any_other_cut_answer_nothing_is_read(capture: Capture) -> None:
    assert read_exchange(CHAT, capture).choices == ()
