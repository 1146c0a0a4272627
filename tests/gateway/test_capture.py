"""What is kept of an answer: every byte, in few pieces, and the arrivals that are timed."""

from __future__ import annotations

import sys
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from analyzers.pair import ARRIVALS, End
from analyzers.reading import MAX_GAPS
from proxy.gateway.capture import Recorder
from proxy.gateway.pieces import SMALL, gather

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
