"""Raw requests that smuggle or break framing, and what becomes of each: refused, or passed on as exactly one.

A row is sent with `AFTER` behind it on the same connection: what a smuggler would have read as another request.
Sections are of RFC 9112 unless another RFC stands before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

AFTER = b"GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
"""Is answered only where the row before it ended where the sender says."""


class Arrival(NamedTuple):
    """One request as it reaches the server: without Host, Connection and framing, names in lower case."""

    method: bytes
    target: bytes
    body: bytes = b""
    fields: frozenset[tuple[bytes, bytes]] = frozenset()


@dataclass(frozen=True)
class Row:
    """One attack."""

    sent: bytes
    section: str
    status: int = 200
    """Of the first answer."""
    arrives: tuple[Arrival, ...] = ()
    """What the server gets of it; nothing where it is refused."""
    closes: bool = False
    """Whether nothing behind it is read."""


_LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
_HOST = b"Host: a\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_ABC = b"3\r\nabc\r\n0\r\n\r\n"
_INNER = b"GET /inner HTTP/1.1\r\nHost: a\r\n\r\n"


def _post(headers: bytes, body: bytes = b"") -> bytes:
    return _LINE + _HOST + headers + b"\r\n" + body


def _chunks(body: bytes) -> bytes:
    return _post(_CHUNKED, body)


def _get(target: bytes = b"/", headers: bytes = _HOST, version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def _arrives(body: bytes = b"", *fields: tuple[bytes, bytes]) -> tuple[Arrival, ...]:
    return (Arrival(b"POST", b"/v1/chat/completions", body, frozenset(fields)),)


REFUSED: dict[str, Row] = {
    # lengths
    "length and chunked": Row(_post(b"Content-Length: 4\r\n" + _CHUNKED, b"0\r\n\r\n"), "6.3", 400),
    "chunked and length": Row(_post(_CHUNKED + b"Content-Length: 4\r\n", b"0\r\n\r\n"), "6.3", 400),
    "two lengths, equal": Row(_post(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"ab"), "6.3", 400),
    "two lengths, different": Row(_post(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"abc"), "6.3", 400),
    "length as list": Row(_post(b"Content-Length: 2, 2\r\n", b"ab"), "6.3", 400),
    "length with comma behind": Row(_post(b"Content-Length: 2,\r\n", b"ab"), "6.3", 400),
    "length with plus": Row(_post(b"Content-Length: +2\r\n", b"ab"), "9110 8.6", 400),
    "length with minus": Row(_post(b"Content-Length: -2\r\n", b"ab"), "9110 8.6", 400),
    "length in hex": Row(_post(b"Content-Length: 0x2\r\n", b"ab"), "9110 8.6", 400),
    "length with a fraction": Row(_post(b"Content-Length: 2.0\r\n", b"ab"), "9110 8.6", 400),
    "length empty": Row(_post(b"Content-Length: \r\n"), "9110 8.6", 400),
    "length with space inside": Row(_post(b"Content-Length: 1 2\r\n", b"ab"), "9110 8.6", 400),
    "length with underscore digits": Row(_post(b"Content-Length: 1_0\r\n", b"ab"), "9110 8.6", 400),
    "length in other digits": Row(_post("Content-Length: ٢\r\n".encode(), b"ab"), "9110 8.6", 400),
    "length beyond 64 bits": Row(_post(b"Content-Length: 18446744073709551618\r\n", b"ab"), "9110 8.6", 400),
    "length far too large": Row(_post(b"Content-Length: 99999999999\r\n"), "9110 15.5.14", 413),
    "length with NUL": Row(_post(b"Content-Length: 2\x00\r\n", b"ab"), "9110 5.5", 400),
    "length behind a vertical tab": Row(_post(b"Content-Length: \x0b2\r\n", b"ab"), "9110 5.5", 400),
    "length with tab before colon": Row(_post(b"Content-Length\t: 2\r\n", b"ab"), "5.1", 400),
    "length folded": Row(_post(b"Content-Length:\r\n 2\r\n", b"ab"), "5.2", 400),
    "length behind a bare CR": Row(_post(b"X-A: b\rContent-Length: 2\r\n", b"ab"), "2.2", 400),
    "length longer than the body": Row(_post(b"Content-Length: 200\r\n", b"ab"), "6.3", 408),
    # transfer codings
    "coding gzip": Row(_post(b"Transfer-Encoding: gzip\r\n"), "6.1", 400),
    "coding gzip, chunked": Row(_post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding chunked, gzip": Row(_post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"), "6.3", 400),
    "coding chunked twice": Row(_post(_CHUNKED + _CHUNKED, b"0\r\n\r\n"), "6.1", 400),
    "coding chunked, then identity": Row(
        _post(_CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"), "6.1", 400
    ),
    "coding chunked, chunked": Row(_post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding identity": Row(_post(b"Transfer-Encoding: identity\r\n"), "6.1", 400),
    "coding identity, chunked": Row(_post(b"Transfer-Encoding: identity, chunked\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding xchunked": Row(_post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding quoted": Row(_post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"), "6.1", 400),
    "coding with parameter": Row(_post(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding with comma before": Row(_post(b"Transfer-Encoding: , chunked\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding with comma behind": Row(_post(b"Transfer-Encoding: chunked,\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding with vertical tab": Row(_post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), "9110 5.5", 400),
    "coding with form feed behind": Row(
        _post(b"Transfer-Encoding: chunked\x0c\r\n", b"0\r\n\r\n"), "9110 5.5", 400
    ),
    "coding with blanks behind": Row(_post(b"Transfer-Encoding: chunked \t\r\n", b"0\r\n\r\n"), "6.1", 400),
    "coding empty": Row(_post(b"Transfer-Encoding:\r\n"), "6.1", 400),
    "coding empty, then chunked": Row(_post(b"Transfer-Encoding:\r\n" + _CHUNKED, b"0\r\n\r\n"), "6.1", 400),
    "coding with space before colon": Row(_post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), "5.1", 400),
    "coding folded": Row(_post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"), "5.2", 400),
    "coding behind a bare LF": Row(_post(b"X-A: b\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), "2.2", 400),
    "coding on HTTP/1.0": Row(b"POST / HTTP/1.0\r\n" + _HOST + _CHUNKED + b"\r\n0\r\n\r\n", "6.1", 400),
    # chunks
    "chunk size with 0x": Row(_chunks(b"0x1\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size negative": Row(_chunks(b"-1\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size with plus": Row(_chunks(b"+1\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size with underscore": Row(_chunks(b"0_1\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size empty": Row(_chunks(b"\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size empty with extension": Row(_chunks(b";a\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size with space before": Row(_chunks(b" 1\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size with space behind": Row(_chunks(b"1 \r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size beyond 64 bits": Row(_chunks(b"10000000000000001\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size of all that fits": Row(_chunks(b"ffffffffffffffff\r\na\r\n0\r\n\r\n"), "7.1", 408),
    "chunk size ends in LF": Row(_chunks(b"1\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size ends in CR": Row(_chunks(b"1\ra\r\n0\r\n\r\n"), "7.1", 400),
    "chunk size ends in CR CR LF": Row(_chunks(b"1\r\r\na\r\n0\r\n\r\n"), "7.1", 400),
    "chunk longer than its size": Row(_chunks(b"1\r\nabc\r\n0\r\n\r\n"), "7.1", 400),
    "chunk shorter than its size": Row(_chunks(b"5\r\nabc\r\n0\r\n\r\n"), "7.1", 400),
    "chunk without CRLF": Row(_chunks(b"1\r\na0\r\n\r\n"), "7.1", 400),
    "chunk ends in LF": Row(_chunks(b"1\r\na\n0\r\n\r\n"), "7.1", 400),
    "chunk ends in two other bytes": Row(_chunks(b"1\r\naXX0\r\n\r\n"), "7.1", 400),
    "last chunk ends in LF": Row(_chunks(b"0\n\r\n"), "7.1", 400),
    "last line ends in LF": Row(_chunks(b"0\r\n\n"), "7.1", 400),
    "chunk extension with LF": Row(_chunks(b"1;a\nb\r\na\r\n0\r\n\r\n"), "7.1.1", 400),
    "chunk extension with CR": Row(_chunks(b"1;a\rb\r\na\r\n0\r\n\r\n"), "7.1.1", 400),
    "chunk extension with NUL": Row(_chunks(b"1;a\x00\r\na\r\n0\r\n\r\n"), "7.1.1", 400),
    "chunk extension, quoted LF": Row(_chunks(b'1;a="\n"\r\na\r\n0\r\n\r\n'), "7.1.1", 400),
    "chunk extension, open quote": Row(_chunks(b'1;a="\r\na\r\n0\r\n\r\n'), "7.1.1", 400),
    "endless chunk extension": Row(_chunks(b"1;" + b"a" * 400_000), "7.1.1", 431),
    "trailer with length": Row(_chunks(b"0\r\nContent-Length: 5\r\n\r\n"), "9110 6.5.1", 400),
    "trailer with coding": Row(_chunks(b"0\r\nTransfer-Encoding: chunked\r\n\r\n"), "9110 6.5.1", 400),
    "trailer with NUL": Row(_chunks(b"0\r\nX-A: \x00\r\n\r\n"), "7.1.2", 400),
    "trailer folded": Row(_chunks(b"0\r\nX-A: b\r\n c\r\n\r\n"), "7.1.2", 400),
    "trailer without colon": Row(_chunks(b"0\r\nX-A\r\n\r\n"), "7.1.2", 400),
    "endless trailer": Row(_chunks(b"0\r\nX-A: " + b"a" * 400_000), "7.1.2", 431),
    # header lines
    "folded header": Row(_post(b"X-A: b\r\n c\r\n"), "5.2", 400),
    "space before first header": Row(_LINE + b" X: y\r\n" + _HOST + b"\r\n", "2.2", 400),
    "line of one space": Row(_post(b" \r\n"), "2.2", 400),
    "space before colon": Row(_post(b"X-A : b\r\n"), "5.1", 400),
    "header without colon": Row(_post(b"X-A\r\n"), "5", 400),
    "header without name": Row(_post(b": b\r\n"), "5", 400),
    "space in name": Row(_post(b"X A: b\r\n"), "9110 5.1", 400),
    "bracket in name": Row(_post(b"X[A]: b\r\n"), "9110 5.1", 400),
    "NUL in name": Row(_post(b"X-\x00A: b\r\n"), "9110 5.1", 400),
    "NUL in value": Row(_post(b"X-A: b\x00c\r\n"), "9110 5.5", 400),
    "bare CR in value": Row(_post(b"X-A: b\rContent-Length: 3\r\n"), "9110 5.5", 400),
    "control byte in value": Row(_post(b"X-A: b\x01\r\n"), "9110 5.5", 400),
    "DEL in value": Row(_post(b"X-A: b\x7f\r\n"), "9110 5.5", 400),
    "non-ASCII value": Row(_post(b"X-A: b\xff\r\n"), "9110 5.5", 400),
    "non-ASCII name": Row(_post(b"X-\xff: b\r\n"), "9110 5.1", 400),
    "header ends in LF": Row(_LINE + _HOST + b"X-A: b\nContent-Length: 3\r\n\r\nabc", "2.2", 400),
    "head ends in LF": Row(_LINE + _HOST + b"\n", "2.2", 400),
    "head ends in CR": Row(_LINE + _HOST + b"\rX", "2.2", 400),
    "head ends in CR CR LF": Row(_LINE + _HOST + b"\r\r\n", "2.2", 400),
    "head too large": Row(_post(b"X-A: " + b"b" * 70_000 + b"\r\n"), "6585 5", 431),
    "too many headers": Row(_post(b"X-A: b\r\n" * 300), "6585 5", 431),
    # the request line
    "blank line first": Row(b"\r\n" + _get(), "2.2", 400),
    "LF first": Row(b"\n" + _get(), "2.2", 400),
    "space first": Row(b" " + _get(), "2.2", 400),
    "line ends in LF": Row(b"GET / HTTP/1.1\n" + _HOST + b"\r\n", "2.2", 400),
    "two spaces in the line": Row(b"GET  / HTTP/1.1\r\n" + _HOST + b"\r\n", "3", 400),
    "tab in the line": Row(b"GET\t/ HTTP/1.1\r\n" + _HOST + b"\r\n", "3", 400),
    "space behind the version": Row(_get(version=b"HTTP/1.1 "), "3", 400),
    "HTTP/0.9": Row(b"GET /\r\n\r\n", "9110 15.6.6", 505),
    "HTTP/1.2": Row(_get(version=b"HTTP/1.2"), "2.3", 400),
    "HTTP/1.10": Row(_get(version=b"HTTP/1.10"), "2.3", 400),
    "HTTP/01.1": Row(_get(version=b"HTTP/01.1"), "2.3", 400),
    "HTTP/2.0": Row(_get(version=b"HTTP/2.0"), "9110 15.6.6", 505),
    "http/1.1 in lower case": Row(_get(version=b"http/1.1"), "2.3", 400),
    "RTSP": Row(_get(version=b"RTSP/1.0"), "2.3", 400),
    "HTTP/2 preface": Row(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "9113 3.4", 505),
    "TLS on a plain port": Row(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", "3", 400),
    "NUL in target": Row(_get(b"/\x00"), "3.2", 400),
    "space in target": Row(_get(b"/a b"), "3.2", 400),
    "non-ASCII target": Row(_get("/é".encode()), "3.2", 400),
    "fragment in target": Row(_get(b"/a#b"), "3.2", 400),
    "target without slash": Row(_get(b"a"), "3.2", 400),
    "backslash for a target": Row(_get(b"\\a"), "3.2", 400),
    "target of another scheme": Row(_get(b"ftp://a/b"), "3.2.2", 400),
    "absolute target without host": Row(_get(b"http:///a"), "9110 4.2.1", 400),
    "absolute target with user": Row(_get(b"http://u@b/a"), "9110 4.2.4", 400),
    "asterisk with GET": Row(_get(b"*"), "3.2.4", 400),
    "target too large": Row(_get(b"/" + b"a" * 70_000), "6585 5", 431),
    "CONNECT": Row(b"CONNECT a:1 HTTP/1.1\r\n" + _HOST + b"\r\n", "9110 9.3.6", 501),
    "TRACE": Row(b"TRACE / HTTP/1.1\r\n" + _HOST + b"\r\n", "9110 9.3.8", 501),
    "unknown method": Row(b"FOO / HTTP/1.1\r\n" + _HOST + b"\r\n", "9110 9.1", 400),
    "lower-case method": Row(b"get / HTTP/1.1\r\n" + _HOST + b"\r\n", "9110 9.1", 400),
    # Host
    "no Host": Row(_get(headers=b""), "3.2", 400),
    "two Hosts": Row(_get(headers=_HOST + b"Host: b\r\n"), "3.2", 400),
    "two Hosts, equal": Row(_get(headers=_HOST + _HOST), "3.2", 400),
    "two Hosts on HTTP/1.0": Row(_get(headers=_HOST + b"Host: b\r\n", version=b"HTTP/1.0"), "3.2", 400),
    "Host with user": Row(_get(headers=b"Host: a@b\r\n"), "3.2", 400),
    "Host with path": Row(_get(headers=b"Host: a/b\r\n"), "3.2", 400),
    "Host with comma and space": Row(_get(headers=b"Host: a, b\r\n"), "3.2", 400),
    "Host with a word for a port": Row(_get(headers=b"Host: a:b\r\n"), "3.2", 400),
    "Host folded": Row(_get(headers=b"Host:\r\n a\r\n"), "5.2", 400),
    # what is not for a server
    "upgrade to h2c": Row(
        _post(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 3\r\n", b"abc"),
        "9110 7.8",
        400,
    ),
    "upgrade to websocket": Row(
        _get(headers=_HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n"),
        "9110 7.8",
        400,
    ),
    "upgrade alone": Row(_post(b"Upgrade: websocket\r\nContent-Length: 0\r\n"), "9110 7.8", 400),
    "upgrade named alone": Row(_post(b"Connection: upgrade\r\nContent-Length: 0\r\n"), "9110 7.8", 400),
    "leg header": Row(_post(b"X-Slipgauge-Leg: mirror\r\nContent-Length: 0\r\n"), "9110 7.6", 400),
    "another expectation": Row(_post(b"Expect: 200-maybe\r\nContent-Length: 0\r\n"), "9110 10.1.1", 417),
    "two expectations in one": Row(_post(b"Expect: 100-continue, x\r\nContent-Length: 0\r\n"), "9110 10.1.1", 417),
}
"""Refused with this status, and the connection closed."""

PASSED: dict[str, Row] = {
    # framing that looks strange and is not
    "request within a body": Row(
        _post(b"Content-Length: %d\r\n" % len(_INNER), _INNER), "6.2", arrives=_arrives(_INNER)
    ),
    "request within a chunk": Row(
        _chunks(b"%x\r\n%b\r\n0\r\n\r\n" % (len(_INNER), _INNER)), "7.1", arrives=_arrives(_INNER)
    ),
    "request within the body of a GET": Row(
        _get(b"/a", _HOST + b"Content-Length: %d\r\n" % len(_INNER)) + _INNER,
        "9110 9.3.1",
        arrives=(Arrival(b"GET", b"/a", _INNER),),
    ),
    "length with zeros": Row(_post(b"Content-Length: 003\r\n", b"abc"), "9110 8.6", arrives=_arrives(b"abc")),
    "length between tabs": Row(_post(b"Content-Length:\t3\t\r\n", b"abc"), "5.1", arrives=_arrives(b"abc")),
    "length without a space": Row(_post(b"Content-Length:3\r\n", b"abc"), "5.1", arrives=_arrives(b"abc")),
    "coding in capitals": Row(_post(b"TRANSFER-ENCODING: CHUNKED\r\n", _ABC), "7", arrives=_arrives(b"abc")),
    "chunk size with zeros": Row(_chunks(b"0000003\r\nabc\r\n000\r\n\r\n"), "7.1", arrives=_arrives(b"abc")),
    "chunk extension": Row(_chunks(b'3;a=b;c="d;e"\r\nabc\r\n0;f\r\n\r\n'), "7.1.1", arrives=_arrives(b"abc")),
    "blank lines within a chunk": Row(
        _chunks(b"9\r\n\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), "7.1", arrives=_arrives(b"\r\n\r\n0\r\n\r\n")
    ),
    "length under another name": Row(
        _post(b"Content_Length: 50\r\nContent-Length: 0\r\n"),
        "9110 5.1",
        arrives=_arrives(b"", (b"content_length", b"50")),
    ),
    "trailer with Host": Row(_chunks(b"0\r\nHost: b\r\n\r\n"), "9110 6.5.1", arrives=_arrives()),
    "trailer with credentials": Row(
        _chunks(b"0\r\nAuthorization: Bearer k\r\n\r\n"), "9110 6.5.1", arrives=_arrives()
    ),
    "trailer that closes": Row(_chunks(b"0\r\nConnection: close\r\n\r\n"), "9110 6.5.1", arrives=_arrives()),
    "trailer with the leg header": Row(
        _chunks(b"0\r\nX-Slipgauge-Leg: mirror\r\n\r\n"), "9110 6.5.1", arrives=_arrives()
    ),
    # what belongs to one connection
    "hop-by-hop fields": Row(
        _post(
            b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
            b"Trailer: X\r\nProxy-Authorization: p\r\nProxy-Connection: keep-alive\r\nContent-Length: 0\r\n"
        ),
        "9110 7.6.1",
        arrives=_arrives(b"", (b"x-end", b"2")),
    ),
    "Connection that names Host": Row(
        _get(headers=_HOST + b"Connection: host\r\n"), "9110 7.6.1", arrives=(Arrival(b"GET", b"/"),)
    ),
    "Connection that names the length": Row(
        _post(b"Connection: content-length\r\nContent-Length: 3\r\n", b"abc"),
        "9110 7.6.1",
        arrives=_arrives(b"abc"),
    ),
    "Connection that names the coding": Row(
        _post(b"Connection: transfer-encoding\r\n" + _CHUNKED, _ABC), "9110 7.6.1", arrives=_arrives(b"abc")
    ),
    "Connection that names the credentials": Row(
        _post(b"Connection: authorization\r\nAuthorization: Bearer k\r\nContent-Length: 0\r\n"),
        "9110 7.6.1",
        arrives=_arrives(),
    ),
    "close among others": Row(
        _get(headers=_HOST + b"Connection: keep-alive , Close\r\n"),
        "9.6",
        arrives=(Arrival(b"GET", b"/"),),
        closes=True,
    ),
    "close, quoted": Row(
        _get(headers=_HOST + b'Connection: "close"\r\n'), "9110 7.6.1", arrives=(Arrival(b"GET", b"/"),)
    ),
    "Proxy-Connection that closes": Row(
        _get(headers=_HOST + b"Proxy-Connection: close\r\n"), "C.2.2", arrives=(Arrival(b"GET", b"/"),)
    ),
    "100 expected of a body that came": Row(
        _post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc"), "9110 10.1.1", arrives=_arrives(b"abc")
    ),
    "bytes behind a request that closes": Row(
        _post(b"Connection: close\r\nContent-Length: 2\r\n", b"abc"), "9.6", arrives=_arrives(b"ab"), closes=True
    ),
    "HTTP/1.0 that would be kept": Row(
        _get(headers=b"Connection: keep-alive\r\n", version=b"HTTP/1.0"),
        "C.2.2",
        arrives=(Arrival(b"GET", b"/"),),
        closes=True,
    ),
    # targets and hosts
    "absolute target of another host": Row(_get(b"http://other/c?d"), "3.2.2", arrives=(Arrival(b"GET", b"/c?d"),)),
    "absolute target without path": Row(_get(b"HTTP://b?d"), "3.2.2", arrives=(Arrival(b"GET", b"/?d"),)),
    "asterisk with OPTIONS": Row(
        b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n", "3.2.4", arrives=(Arrival(b"OPTIONS", b"*"),)
    ),
    "two slashes": Row(_get(b"//b/c"), "3.2.1", arrives=(Arrival(b"GET", b"//b/c"),)),
    "dots in target": Row(_get(b"/a/../b/%2e%2E/c"), "3.2.1", arrives=(Arrival(b"GET", b"/a/../b/%2e%2E/c"),)),
    "NUL in target, escaped": Row(_get(b"/a%00b"), "3.2.1", arrives=(Arrival(b"GET", b"/a%00b"),)),
    "line ends in target, escaped": Row(
        _get(b"/a%0d%0aHost:%20b"), "3.2.1", arrives=(Arrival(b"GET", b"/a%0d%0aHost:%20b"),)
    ),
    "Host empty": Row(_get(headers=b"Host:\r\n"), "3.2", arrives=(Arrival(b"GET", b"/"),)),
    "Host of another": Row(_get(headers=b"Host: b:81\r\n"), "9110 7.2", arrives=(Arrival(b"GET", b"/"),)),
    "a field of the gateway's own": Row(
        _get(headers=_HOST + b"X-Slipgauge-Store: no\r\n"), "9110 7.6", arrives=(Arrival(b"GET", b"/"),)
    ),
}
"""Passed on as exactly these requests."""

ROWS = {**REFUSED, **PASSED}
