"""What is kept of an answer: every byte, in few pieces, and the arrivals that are timed."""

from __future__ import annotations

import sys
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.pair import ARRIVALS, End
from analyzers.reading import MAX_GAPS
from proxy.gateway.capture import Recorder
from proxy.gateway.pieces import SMALL, gather
from proxy.gateway.response import ResponseHead

LIMIT = 1 << 20


@given(st.lists(st.binary(min_size=1, max_size=3 * SMALL), max_size=30))
def test_a_body_is_kept_byte_for_byte(pieces: list[bytes]) -> None:
    recorder = Recorder(LIMIT)
    for at, piece in enumerate(pieces):
        assert recorder.data(piece, float(at))
    recorder.finish(End.COMPLETE, 99.0)

    capture = recorder.capture()
    assert capture.body == b"".join(pieces)
    assert capture.arrivals == tuple((float(at), size) for at, size in enumerate(accumulate(map(len, pieces))))
    assert (capture.end, capture.duration) == (End.COMPLETE, 99.0)


def test_of_a_long_answer_only_the_arrivals_are_noted_that_are_timed() -> None:
    recorder = Recorder(LIMIT)
    for at in range(1_000):
        assert recorder.data(b"x", float(at))

    assert ARRIVALS > MAX_GAPS + 1
    assert len(recorder.capture().body) == 1_000
    assert recorder.capture().arrivals == tuple((float(at), at + 1) for at in range(ARRIVALS))


def test_what_is_beyond_the_limit_is_not_kept() -> None:
    recorder = Recorder(10)

    assert recorder.data(b"0123456789", 0.0)
    assert not recorder.data(b"0", 1.0)
    assert recorder.capture().body == b"0123456789"


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("application/json", b""),
        ("Application/JSON; charset=utf-8", b""),
        ("text/event-stream", b"0123456789"),
        ("Text/Event-Stream; charset=utf-8", b"0123456789"),
        ("", b"0123456789"),
    ],
)
def test_of_an_answer_cut_short_only_what_may_be_a_stream_is_kept(kind: str, kept: bytes) -> None:
    recorder = Recorder(10)
    recorder.head = ResponseHead(200, b"OK", f"\r\nContent-Type: {kind}\r\n".encode() if kind else b"", None)
    recorder.data(b"0123456789", 0.0)
    recorder.data(b"0", 1.0)
    recorder.finish(End.TOO_LARGE, 1.0)

    assert recorder.capture().body == kept
    assert (recorder.size, recorder.capture().arrivals) == (11, ((0.0, 10),))


@given(st.lists(st.integers(1, 2 * SMALL), max_size=200))
def test_small_pieces_are_joined_and_large_ones_shared(sizes: list[int]) -> None:
    pieces: list[bytes] = []
    for size in sizes:
        gather(pieces, bytes(size))

    assert sum(map(len, pieces)) == sum(sizes)
    smaller = [len(piece) for piece in pieces if len(piece) < SMALL]
    assert len(smaller) <= len([size for size in sizes if size >= SMALL]) * SMALL.bit_length() + SMALL.bit_length()


def test_an_answer_in_tiny_pieces_takes_little_more_room_than_its_bytes() -> None:
    recorder = Recorder(LIMIT)
    for at in range(10_000):
        recorder.data(b"data: x\n\n", at / 50)

    assert sum(map(sys.getsizeof, recorder._pieces)) < 1.1 * recorder.size
