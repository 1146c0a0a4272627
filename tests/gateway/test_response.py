from __future__ import annotations

import pytest

from proxy.gateway.response import BadResponseError, ResponseHead, ResponseReader, head_bytes

OK = b"HTTP/1.1 200 OK\r\n"


def read(*arrivals: bytes, to_head: bool = False) -> tuple[ResponseReader, bytes]:
    reader = ResponseReader(head_bytes=65_536)
    reader.expect(to_head=to_head)
    body = b""
    for data in arrivals:
        try:
            reader.feed(data)
        finally:
            body += reader.body
    return reader, body


def head_of(*arrivals: bytes, to_head: bool = False) -> ResponseHead:
    reader, _ = read(*arrivals, to_head=to_head)
    assert reader.head is not None
    return reader.head


@pytest.mark.parametrize("surplus", [b"X", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSTOLEN", b"\x00"])
def test_bytes_after_the_end_spoil_the_connection_but_not_the_answer(surplus: bytes) -> None:
    reader = ResponseReader(head_bytes=65_536)
    reader.expect(to_head=False)
    with pytest.raises(BadResponseError):
        reader.feed(OK + b"Content-Length: 2\r\n\r\nab" + surplus)
    assert reader.complete
    assert reader.body == b"ab"


def test_a_head_is_passed_on_without_what_belongs_to_its_connection() -> None:
    head = head_of(
        b"HTTP/1.1 200 Fine\r\nServer: s\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
        b"Set-Cookie: a\r\nSet-Cookie: b\r\nX-Text: caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    )
    assert head_bytes(head, chunked=False, close=False) == (
        b"HTTP/1.1 200 Fine\r\nServer: s\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Text: caf\xc3\xa9\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert not head.keep_alive


def test_a_missing_reason_is_not_taken_from_the_answer_before() -> None:
    reader = ResponseReader(head_bytes=65_536)
    for line in (b"HTTP/1.1 404 Gone Fishing\r\n", b"HTTP/1.1 200\r\n"):
        reader.expect(to_head=False)
        reader.feed(line + b"Content-Length: 0\r\n\r\n")
    assert reader.head is not None
    assert (reader.head.status, reader.head.reason) == (200, b"")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_with_its_head(status: int) -> None:
    reader, body = read(b"HTTP/1.1 %d X\r\n\r\n" % status)
    assert reader.complete
    assert body == b""


def test_the_answer_to_head_keeps_its_length_and_has_no_body() -> None:
    reader, body = read(OK + b"Content-Length: 100\r\n\r\n", to_head=True)
    assert reader.complete
    assert body == b""
    assert reader.head is not None
    assert reader.head.length == 100
    assert not reader.head.keep_alive


def test_informational_responses_come_before_the_answer() -> None:
    reader, body = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: l\r\n\r\n", OK, b"Content-Length: 1\r\n\r\na"
    )
    assert [head.status for head in reader.interim] == [100, 103]
    assert (reader.complete, body) == (True, b"a")


def test_a_body_without_framing_ends_with_the_connection() -> None:
    reader, body = read(OK + b"\r\nabc", b"def")
    assert (reader.complete, body) == (False, b"abcdef")
    assert reader.end_of_stream()
    assert reader.complete


def test_a_body_cut_short_does_not_end_with_the_connection() -> None:
    reader, _ = read(OK + b"Content-Length: 5\r\n\r\nabc")
    assert not reader.end_of_stream()
    reader, _ = read(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert not reader.end_of_stream()
