"""One child's tasks as scripts of events: sent, answered, lost. No process is started."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.report import Analysis
from proxy.workers import window
from proxy.workers.answers import GarbageError
from proxy.workers.cell import NOTHING, READING, Doing
from proxy.workers.job import MAX_BLAMELESS, Job
from proxy.workers.window import CASE_NAME, PAIRS, READING_NAME, Floors, Window
from tests.workers.records import ANSWERS, NAMES, pairs, record


def queue(count: int) -> deque[Job]:
    return deque(Job(pair, "paired", NAMES) for pair in pairs(count))


def ids(jobs: deque[Job] | list[Job]) -> list[str]:
    return [job.pair.pair_id for job in jobs]


def test_a_window_takes_no_more_than_its_pairs() -> None:
    waiting = queue(PAIRS + 2)
    sent = Window(ANSWERS, waiting, Floors())
    assert sent.fill()

    assert (len(sent), ids(waiting)) == (PAIRS, [str(PAIRS), str(PAIRS + 1)])
    assert sent.fill() == []


def test_bytes_bound_it_too_but_one_pair_is_always_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = queue(3)
    monkeypatch.setattr(window, "BYTES", waiting[0].size - 1)
    sent = Window(ANSWERS, waiting, Floors())
    sent.fill()
    assert len(sent) == 1
    list(sent.answered(record(1)))
    sent.fill()
    assert (len(sent), len(waiting)) == (1, 1)


@given(st.lists(st.integers(1, 3 * ANSWERS.size)))
def test_answers_finish_jobs_in_order_however_the_bytes_are_cut(cuts: list[int]) -> None:
    waiting = queue(4)
    sent = Window(ANSWERS, waiting, Floors())
    sent.fill()
    said = b"".join(record(number) for number in (1, 2, 3, 4))
    finished: list[Job] = []
    for cut in [*cuts, len(said)]:
        finished += sent.answered(said[:cut])
        said = said[cut:]

    assert ids(finished) == ["0", "1", "2", "3"]
    assert len(sent) == 0
    for job in finished:
        assert job.report().analyses == {"served": Analysis.SCORED, "json": Analysis.NOT_APPLICABLE}


@pytest.mark.parametrize("said", [record(2), record(0), record(1, asked=0b01), b"\xff" * 8])
def test_an_answer_to_something_else_is_garbage(said: bytes) -> None:
    sent = Window(ANSWERS, queue(2), Floors())
    sent.fill()

    with pytest.raises(GarbageError):
        list(sent.answered(said))


def test_an_answer_to_nothing_is_garbage() -> None:
    with pytest.raises(GarbageError):
        list(Window(ANSWERS, queue(0), Floors()).answered(record(1)))


def test_answers_before_the_garbage_stand() -> None:
    sent = Window(ANSWERS, queue(3), Floors())
    sent.fill()
    answered = sent.answered(record(1) + b"\xff" * ANSWERS.size)

    assert next(answered).pair.pair_id == "0"
    with pytest.raises(GarbageError):
        next(answered)


def test_a_lost_child_costs_the_analyzer_it_ran_and_everything_else_waits_again_in_order() -> None:
    waiting = queue(PAIRS + 1)
    sent = Window(ANSWERS, waiting, Floors())
    sent.fill()
    list(sent.answered(record(1)))

    assert sent.lost(Doing(3, 1, 0.0)) == ("json", "session-2", [])
    assert ids(waiting) == [str(number) for number in range(1, PAIRS + 1)]
    again = Window(ANSWERS, waiting, Floors())
    again.fill()
    finished = list(again.answered(record(1) + record(2)))
    assert finished[0].report().analyses["json"] is Analysis.NOT_APPLICABLE
    assert finished[1].report().analyses == {"json": Analysis.KILLED, "served": Analysis.SCORED}


def test_a_pair_whose_last_analyzer_is_lost_is_finished() -> None:
    waiting, finished = queue(1), list[Job]()
    for stage in (0, 0, 1, 1):  # each with the answers, and once more without them
        assert not finished
        sent = Window(ANSWERS, waiting, Floors())
        sent.fill()
        blamed, _, finished = sent.lost(Doing(1, stage, 0.0))
        assert blamed == NAMES[stage]
    assert ids(finished) == ["0"]
    assert finished[0].report().analyses == dict.fromkeys(NAMES, Analysis.KILLED)


def test_a_pair_that_cannot_be_read_is_tried_without_its_answers_and_then_given_up() -> None:
    waiting = queue(2)
    sent = Window(ANSWERS, waiting, Floors())
    sent.fill()
    assert sent.lost(Doing(2, READING, 0.0)) == (READING_NAME, "session-1", [])
    assert [(job.blind, job.pair.candidate.body == b"") for job in waiting] == [(0, False), (0b11, True)]
    sent = Window(ANSWERS, waiting, Floors())
    sent.fill()
    blamed, session, finished = sent.lost(Doing(2, READING, 0.0))

    assert (blamed, session, ids(finished), ids(waiting)) == (READING_NAME, "session-1", ["1"], ["0"])
    assert finished[0].report().analyses == dict.fromkeys(NAMES, Analysis.KILLED)


@pytest.mark.parametrize("doing", [NOTHING, Doing(1, 0, 0.0)])
def test_losses_that_no_analyzer_explains_end_with_the_pair_in_front(doing: Doing) -> None:
    waiting = queue(2)
    waiting[0].lose(0)
    waiting[0].lose(0)  # the cell names an analyzer that was not to run
    for _ in range(MAX_BLAMELESS - 1):
        sent = Window(ANSWERS, waiting, Floors())
        sent.fill()
        assert sent.lost(doing) == (None, "session-0", [])
    for expected in ([], ["0"]):
        sent = Window(ANSWERS, waiting, Floors())
        sent.fill()
        blamed, _, finished = sent.lost(doing)
        assert (blamed, ids(finished)) == (READING_NAME, expected)

    assert ids(waiting) == ["1"]


def test_a_case_that_costs_a_child_is_not_made_and_the_pair_is_scored_again() -> None:
    kept = replace(pairs(1)[0], subject="s")
    waiting = deque([Job(kept, "paired", NAMES)])
    for blamed in (CASE_NAME, None, None, READING_NAME):  # a child that forges the stage does not go on for ever
        sent = Window(ANSWERS, waiting, Floors())
        sent.fill()
        loss = sent.lost(Doing(1, len(NAMES), 0.0))
        assert loss.blamed == blamed
        assert [job.keep for job in waiting] == ([] if blamed == READING_NAME and not waiting else [False])


def test_losing_an_idle_child_costs_nothing() -> None:
    waiting = queue(0)
    assert Window(ANSWERS, waiting, Floors()).lost(NOTHING) == (None, "", [])


events = st.lists(
    st.one_of(
        st.just("answer"),
        st.tuples(st.integers(0, PAIRS + 1), st.integers(READING, 2)).map(lambda at: Doing(*at, 0.0)),
        st.just(NOTHING),
    ),
    max_size=40,
)


@given(st.integers(0, 20), events)
def test_whatever_happens_every_pair_is_finished_once_with_one_outcome_each(
    count: int, script: list[str | Doing]
) -> None:
    waiting, finished = queue(count), list[Job]()
    sent, number = Window(ANSWERS, waiting, Floors()), 1
    for event in [*script, *["answer"] * count * 6]:
        sent.fill()
        if isinstance(event, Doing):
            finished += sent.lost(event).finished
            sent, number = Window(ANSWERS, waiting, Floors()), 1
        elif len(sent):
            finished += sent.answered(record(number, asked=sent._jobs[0].asked))
            number += 1

    assert sorted(ids(finished), key=int) == [str(n) for n in range(count)]
    for job in finished:
        assert set(job.report().analyses) == set(NAMES)
