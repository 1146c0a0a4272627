from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from analyzers.sse import Event, Parser


def parse(*chunks: bytes) -> list[tuple[str, str]]:
    parser = Parser()
    return [(event.name, event.data) for chunk in chunks for event in parser.feed(chunk)]


def test_fields_comments_and_line_ends_follow_the_standard() -> None:
    stream = b"\xef\xbb\xbf: hello\nevent: add\ndata: one\r\ndata:two\r\rid: 7\nretry: 9\ndata\n\ndata: lost"
    assert parse(stream) == [("add", "one\ntwo"), ("message", "")]


def test_only_one_blank_after_the_colon_is_dropped() -> None:
    assert parse(b"data:  two\n\n") == [("message", " two")]


def test_an_event_without_data_is_none() -> None:
    assert parse(b"event: ping\n\ndata: x\n\n") == [("message", "x")]


def test_invalid_utf8_becomes_the_replacement_character() -> None:
    assert parse(b"data: \xff\n\n") == [("message", "\ufffd")]


def test_offsets_count_every_byte_of_the_stream() -> None:
    parser = Parser()
    events = [*parser.feed(b"data: a\r\n\r\n"), *parser.feed(b"data: b\n\n")]
    assert events == [Event("message", "a", 11), Event("message", "b", 20)]


LINES = st.lists(
    st.sampled_from(["data: é€😀", "data:x", ": note", "event: e", "", "\ufeffdata", "datum: 1"]), max_size=12
)


@given(LINES, st.sampled_from(["\n", "\r", "\r\n"]), st.lists(st.integers(0, 200), max_size=8))
def test_cutting_the_stream_anywhere_changes_nothing(lines: list[str], end: str, cuts: list[int]) -> None:
    stream = "".join(line + end for line in lines).encode()
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    chunks = [stream[a:b] for a, b in pairwise(places)]
    assert parse(*chunks) == parse(stream)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_in_any_chunks_are_parsed_alike(chunks: list[bytes]) -> None:
    assert parse(*chunks) == parse(b"".join(chunks))


@given(st.binary(max_size=200))
def test_offsets_grow_and_stay_within_the_stream(stream: bytes) -> None:
    ends = [event.end for event in Parser().feed(stream)]
    assert ends == sorted(ends)
    assert all(0 < end <= len(stream) for end in ends)
