from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.pair import Capture, End
from proxy.workers import wire
from tests.workers.pool_harness import captured

PAIR = captured()


def test_whether_the_language_is_to_be_told_is_what_its_segments_say() -> None:
    for segments, told in (((), False), (("model=m", "language=unread"), True)):
        sent = b"".join(wire.pack(7, 1, "paired", replace(PAIR, segments=segments)))
        assert wire.unpack(memoryview(sent)).language is told


@pytest.mark.parametrize("repeat", [None, PAIR.baseline])
@pytest.mark.parametrize("state", ["paired", "unserved_candidate"])
def test_a_task_arrives_as_it_was_sent_without_what_analyzers_may_not_see(
    repeat: Capture | None, state: str
) -> None:
    pair = replace(PAIR, repeat=repeat, headers={"x-slipgauge-gold": "5"}, inclusion=0.05)
    sent = bytearray(b"".join(wire.pack(7, 0b101, state, pair, blind=0b100)))

    assert wire.length(sent) == len(sent)
    task = wire.unpack(memoryview(sent))
    assert task == wire.Task(7, 0b101, 0b100, state, replace(pair, session="", primary="", inclusion=1.0))


def test_bodies_are_sent_as_they_are() -> None:
    _, *bodies = wire.pack(1, 1, "paired", PAIR)

    assert [body is sent for body, sent in zip(bodies, (PAIR.body, PAIR.baseline.body), strict=False)] == [True] * 2


captures = st.builds(
    Capture,
    end=st.sampled_from(End),
    status=st.none() | st.integers(100, 599),
    content_type=st.text(max_size=5),
    body=st.binary(max_size=30),
    arrivals=st.lists(st.tuples(st.floats(0, 9), st.integers(0, 99)), max_size=3).map(tuple),
    duration=st.floats(0, 9),
)


@given(captures, captures, st.binary(max_size=30), st.lists(st.integers(1, 60), max_size=20))
def test_tasks_come_out_of_a_stream_however_it_is_cut(
    baseline: Capture, candidate: Capture, body: bytes, cuts: list[int]
) -> None:
    pairs = [replace(PAIR, pair_id=str(n), body=body, baseline=baseline, candidate=candidate) for n in range(2)]
    stream = b"".join(b"".join(wire.pack(n, 1, "paired", pair)) for n, pair in enumerate(pairs))
    came, found = bytearray(), []
    for cut in [*cuts, len(stream)]:
        came += stream[:cut]
        stream = stream[cut:]
        while len(came) >= (size := wire.length(came)):
            with memoryview(came) as view:
                found.append(wire.unpack(view[:size]).pair)
            del came[:size]

    assert [(pair.pair_id, pair.body, pair.baseline, pair.candidate) for pair in found] == [
        (pair.pair_id, body, baseline, candidate) for pair in pairs
    ]
