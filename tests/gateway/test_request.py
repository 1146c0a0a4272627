from __future__ import annotations

import sys

import pytest

from proxy.gateway.framing import BLANK
from proxy.gateway.outgoing import Target, mirror_head, primary_head
from proxy.gateway.request import BLANKS, Request, RequestReader

HOST = b"Host: a\r\n"


def read(*arrivals: bytes) -> RequestReader:
    reader = RequestReader(head_bytes=65_536, body_bytes=1_000_000)
    for data in arrivals:
        reader.feed(data)
    return reader


def only(*arrivals: bytes) -> Request:
    reader = read(*arrivals)
    assert reader.refusal is None
    assert len(reader.requests) == 1
    return reader.requests[0]


def by_event(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def test_a_request_is_passed_on_without_what_belongs_to_its_connection() -> None:
    request = only(
        b"POST /v1/chat/completions?x=1 HTTP/1.1\r\n"
        b"Host: a:80\r\nAuthorization: Bearer k\r\nConnection: keep-alive, X-Hop\r\nx-hop: 1\r\nKeep-Alive: 5\r\n"
        b"TE: trailers\r\nTrailer: X\r\nProxy-Authorization: p\r\nX-Slipgauge-Gold: 4\r\nX-Kept:  v \r\n"
        b"Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab"
    )
    assert request.forward == b"\r\nAuthorization: Bearer k\r\nX-Kept:  v "
    assert (request.method, request.target, request.path) == (
        b"POST",
        b"/v1/chat/completions?x=1",
        b"/v1/chat/completions",
    )
    assert (request.length, request.chunked, request.pieces, request.complete) == (2, False, [b"ab"], True)
    assert request.expects_continue
    assert request.keep_alive


def test_a_header_that_connection_names_is_dropped_wherever_it_stands() -> None:
    request = only(b"GET / HTTP/1.1\r\nX-Secret: 1\r\n" + HOST + b"Connection: x-secret\r\n\r\n")
    assert request.forward == b""


def test_an_absolute_target_loses_its_authority() -> None:
    assert only(b"GET http://b/c?d HTTP/1.1\r\n" + HOST + b"\r\n").target == b"/c?d"
    assert only(b"GET http://b?d HTTP/1.1\r\n" + HOST + b"\r\n").target == b"/?d"
    assert only(b"GET HTTP://b HTTP/1.1\r\n" + HOST + b"\r\n").target == b"/"


def test_http_1_0_needs_no_host_and_closes() -> None:
    request = only(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert request.http10
    assert not request.keep_alive


def test_pipelined_requests_come_in_order_and_trailers_are_dropped() -> None:
    reader = read(
        b"POST /1 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
        b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n"
    )
    assert [request.target for request in reader.requests] == [b"/1", b"/2"]
    assert reader.requests[0].pieces == [b"abc"]
    assert b"X-T" not in reader.requests[0].forward


def test_what_follows_a_closing_request_is_ignored() -> None:
    reader = read(b"GET /1 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", b"\x00")
    assert [request.target for request in reader.requests] == [b"/1"]
    assert reader.refusal is None


def test_a_body_beyond_the_limit_is_refused_by_its_length_and_by_its_bytes() -> None:
    announced = read(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000001\r\n\r\n")
    assert announced.refusal is not None
    assert announced.refusal.status == 413
    chunk = b"%x\r\n%b\r\n" % (400_000, b"a" * 400_000)
    sent = read(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", chunk, chunk, chunk)
    assert sent.refusal is not None
    assert sent.refusal.status == 413


def test_a_body_in_small_chunks_is_no_overhead() -> None:
    chunks = b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n"
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert only(head, *by_event(chunks, 100)).size == 50_000


def test_a_blank_line_between_requests_is_refused_in_one_arrival_as_in_two() -> None:
    first, second = b"GET /1 HTTP/1.1\r\n" + HOST + b"\r\n", b"\r\nGET /2 HTTP/1.1\r\n" + HOST + b"\r\n"
    for reader in (read(first + second), read(first, second)):
        assert [request.target for request in reader.requests] == [b"/1"]
        assert reader.refusal is not None


def test_nothing_is_read_behind_an_http_1_0_request_whatever_it_says_of_its_connection() -> None:
    reader = read(b"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert [request.target for request in reader.requests] == [b"/1"]
    assert reader.refusal is None


@pytest.mark.parametrize(
    ("method", "status"),
    [
        *((method, 501) for method in ("TRACE", "QUERY", "PROPFIND", "PURGE")),
        *((method, 400) for method in ("FOO", "BREW", "get", "GETS")),
    ],
)
def test_a_method_that_is_not_passed_on_is_told_which_are(method: str, status: int) -> None:
    refusal = read(f"{method} / HTTP/1.1\r\n".encode() + HOST + b"\r\n").refusal
    assert refusal is not None
    assert refusal.status == status
    assert "The methods passed on are GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS." in refusal.message


@pytest.mark.parametrize("size", [1, 18, 100])
def test_a_connect_that_ends_early_is_refused_alike_however_it_arrives(size: int) -> None:
    reader = read(*by_event(b"CONNECT \n\r\na:1\\HTTP/1.1\r\nHost: a\r\n\r\n", size))
    assert reader.refusal is not None
    assert reader.refusal.status == 505


def test_a_trailer_says_nothing_of_the_connection_or_of_the_next_request() -> None:
    trailers = b"Connection: close\r\nUpgrade: x\r\nX-A: b\r\n"
    chunked = b"POST /1 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + trailers + b"\r\n"
    reader = read(chunked + b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert [(request.target, request.forward) for request in reader.requests] == [(b"/1", b""), (b"/2", b"")]
    assert reader.refusal is None


@pytest.mark.parametrize("size", [1, 2, 7, 65_536])
def test_a_body_in_tiny_chunks_is_held_in_few_pieces(size: int) -> None:
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    request = only(head, *by_event(b"2\r\nab\r\n" * 40_000 + b"0\r\n\r\n", size))
    assert b"".join(request.pieces) == b"ab" * 40_000
    assert len(request.pieces) < 40


def test_an_options_request_for_the_whole_server_keeps_its_asterisk() -> None:
    assert only(b"OPTIONS http://b HTTP/1.1\r\n" + HOST + b"\r\n").target == b"*"


@pytest.mark.parametrize("option", [b"user-agent", b"User-Agent , x"])
def test_a_header_that_connection_names_reaches_neither_leg(option: bytes) -> None:
    lines = b"Connection: " + option + b"\r\nUser-Agent: u\r\nAccept: a\r\nContent-Length: 0\r\n"
    request = only(b"POST / HTTP/1.1\r\n" + HOST + lines + b"\r\n")
    target, host = Target("candidate", b"", {}), b"\r\nHost: c"
    for head in (primary_head(request, host, 0), mirror_head(request, target, host, 2)):
        assert b"\r\nAccept: a\r\n" in head
        assert b"user-agent" not in head.lower()


def test_a_chunked_body_full_of_blank_lines_is_read_at_once_and_must_be_the_last_to_have_arrived() -> None:
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    body = BLANK * (BLANKS + 1)
    wire = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert only(wire).size == len(body)
    both = read(wire + head + b"0\r\n\r\n")
    assert both.refusal is not None
    assert both.refusal.status == 400
    assert not both.requests[0].complete
    one_by_one = read(wire, head + b"0\r\n\r\n")
    assert [request.complete for request in one_by_one.requests] == [True, True]


def test_many_requests_in_one_arrival_are_no_body_full_of_blank_lines() -> None:
    chunked = b"POST /1 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    reader = read((chunked + b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n") * BLANKS)
    assert reader.refusal is None
    assert [request.target for request in reader.requests] == [b"/1", b"/2"] * BLANKS


def test_reading_a_body_full_of_blank_lines_takes_work_in_proportion() -> None:
    """One byte of body costs llhttp one look, however many of them could be the end."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    body = BLANK * 50_000
    reader = read(head)
    sys.setprofile(count)
    try:
        reader.feed(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    finally:
        sys.setprofile(None)
    assert reader.requests[0].complete
    assert calls < 50 * BLANKS
