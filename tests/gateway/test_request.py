from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.gateway.request import Request, RequestReader
from tests.gateway.smuggling import REFUSED

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


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("size", [1, 65_536], ids=["bytewise", "at once"])
def test_what_breaks_framing_is_refused(name: str, size: int) -> None:
    data, status, _ = REFUSED[name]
    reader = read(*by_event(data, size))
    assert reader.refusal is not None
    assert reader.refusal.status == status
    complete = [request for request in reader.requests if request.complete]
    assert complete == []


def test_a_request_is_passed_on_without_what_belongs_to_its_connection() -> None:
    request = only(
        b"POST /v1/chat/completions?x=1 HTTP/1.1\r\n"
        b"Host: a:80\r\nAuthorization: Bearer k\r\nConnection: keep-alive, X-Hop\r\nx-hop: 1\r\nKeep-Alive: 5\r\n"
        b"TE: trailers\r\nTrailer: X\r\nProxy-Authorization: p\r\nX-Slipgauge-Gold: 4\r\nX-Kept:  v \r\n"
        b"Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab"
    )
    assert request.forward == b"\r\nAuthorization: Bearer k\r\nX-Kept: v"
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


_TOKEN = st.text("abcXYZ-09", min_size=1, max_size=12).map(lambda name: f"X-{name}")
_VALUE = st.text([chr(c) for c in range(0x21, 0x7F)], max_size=20)
_BODY = st.binary(max_size=300)


@settings(max_examples=80, deadline=None)
@given(
    headers=st.lists(st.tuples(_TOKEN, _VALUE), max_size=6),
    bodies=st.lists(_BODY, min_size=1, max_size=3),
    chunked=st.booleans(),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
def test_reading_does_not_depend_on_how_the_bytes_arrive(
    headers: list[tuple[str, str]], bodies: list[bytes], *, chunked: bool, cuts: list[int]
) -> None:
    lines = "".join(f"\r\n{name}: {value}" for name, value in headers).encode()
    wire = b""
    for body in bodies:
        head = b"POST /p HTTP/1.1\r\nHost: a" + lines + b"\r\n"
        if chunked:
            framed = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
            wire += head + b"Transfer-Encoding: chunked\r\n\r\n" + framed
        else:
            wire += head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    arrivals, rest = [], wire
    for cut in cuts:
        arrivals.append(rest[:cut])
        rest = rest[cut:]
    reader = read(*(data for data in [*arrivals, rest] if data))
    assert reader.refusal is None
    assert [b"".join(request.pieces) for request in reader.requests] == bodies
    assert all(request.complete and request.forward == lines for request in reader.requests)


@settings(max_examples=120, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(
                [
                    b"POST / HTTP/1.1\r\n",
                    HOST,
                    b"Content-Length: 3\r\n",
                    b"Transfer-Encoding: chunked\r\n",
                    b"\r\n",
                    b"3\r\nabc\r\n",
                    b"0\r\n\r\n",
                    b"Connection: close\r\n",
                    b"GET / HTTP/1.0\r\n",
                ]
            ),
        ),
        max_size=12,
    )
)
def test_any_bytes_give_requests_or_a_refusal_and_never_two_framings(pieces: list[bytes]) -> None:
    reader = read(*(piece for piece in pieces if piece))
    for request in reader.requests:
        assert not (request.chunked and request.length is not None)
        assert b"\r\n\r\n" not in request.forward
        if request.complete and request.length is not None:
            assert request.size == request.length
