"""Answers of a hostile or broken server, and what a client may get of each.

Sections are of RFC 9112 unless another RFC stands before them. `STOLEN` marks bytes that no client asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_ABC = b"3\r\nabc\r\n0\r\n\r\n"
_STOLEN = _OK + b"Content-Length: 6\r\n\r\nSTOLEN"
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """What a server sends, and does then: `keep` the connection, `close` it, or `reset` it."""

    sent: bytes
    section: str
    then: str = "keep"


@dataclass(frozen=True)
class Passed:
    """An answer that is passed on, and what the client gets."""

    answer: Answer
    status: int = 200
    reason: bytes = b"OK"
    fields: tuple[tuple[bytes, bytes], ...] = ()
    """Without Connection and framing."""
    body: bytes = b"abc"
    method: str = "POST"


def _head(lines: bytes, body: bytes = b"abc", start: bytes = _OK) -> bytes:
    return start + lines + b"\r\n" + body


def _status(line: bytes) -> bytes:
    return line + b"\r\nContent-Length: 3\r\n\r\nabc"


REFUSED: dict[str, Answer] = {
    # no HTTP at all
    "garbage": Answer(b"\x00\x01 no http at all\r\n\r\n", "4"),
    "TLS": Answer(b"\x16\x03\x03\x00\x02\x02\x28", "4"),
    "HTTP/2 settings": Answer(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80", "9113 3.4"),
    "HTTP/0.9": Answer(b"<html>hello</html>\r\n\r\n", "4", "close"),
    "banner of another protocol": Answer(b"220 mail.example ESMTP\r\n\r\n", "4"),
    "RTSP": Answer(_status(b"RTSP/1.0 200 OK"), "4"),
    "ICY": Answer(_status(b"ICY 200 OK"), "4"),
    "nothing, then closed": Answer(b"", "8", "close"),
    "nothing, then reset": Answer(b"", "8", "reset"),
    # the status line
    "status of two digits": Answer(_status(b"HTTP/1.1 99 OK"), "4"),
    "status of four digits": Answer(_status(b"HTTP/1.1 1000 OK"), "4"),
    "status below 100": Answer(_status(b"HTTP/1.1 099 OK"), "9110 15"),
    "status with a letter": Answer(_status(b"HTTP/1.1 2O0 OK"), "4"),
    "status negative": Answer(_status(b"HTTP/1.1 -200 OK"), "4"),
    "status missing": Answer(_status(b"HTTP/1.1 OK"), "4"),
    "two spaces before the status": Answer(_status(b"HTTP/1.1  200 OK"), "4"),
    "tab before the status": Answer(_status(b"HTTP/1.1\t200 OK"), "4"),
    "HTTP/1.2": Answer(_status(b"HTTP/1.2 200 OK"), "2.3"),
    "HTTP/2.0": Answer(_status(b"HTTP/2.0 200 OK"), "2.3"),
    "http/1.1 in lower case": Answer(_status(b"http/1.1 200 OK"), "2.3"),
    "blank line first": Answer(b"\r\n" + _status(b"HTTP/1.1 200 OK"), "2.2"),
    "control byte in reason": Answer(_status(b"HTTP/1.1 200 O\x01K"), "4"),
    "NUL in reason": Answer(_status(b"HTTP/1.1 200 O\x00K"), "4"),
    "bare CR in reason": Answer(_status(b"HTTP/1.1 200 OK\rX-A: b"), "2.2"),
    "status line ends in LF": Answer(b"HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\nabc", "2.2"),
    # header lines
    "lines end in LF": Answer(b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "2.2"),
    "header ends in LF": Answer(_head(b"X-A: b\nContent-Length: 3\r\n"), "2.2"),
    "header split by a bare CR": Answer(_head(b"X-A: b\rSet-Cookie: STOLEN\r\nContent-Length: 3\r\n"), "2.2"),
    "folded header": Answer(_head(b"X-A: b\r\n c\r\nContent-Length: 3\r\n"), "5.2"),
    "space before first header": Answer(_head(b" X-A: b\r\nContent-Length: 3\r\n"), "2.2"),
    "space before colon": Answer(_head(b"Content-Length : 3\r\n"), "5.1"),
    "header without colon": Answer(_head(b"X-A\r\nContent-Length: 3\r\n"), "5"),
    "header without name": Answer(_head(b": b\r\nContent-Length: 3\r\n"), "5"),
    "space in name": Answer(_head(b"X A: b\r\nContent-Length: 3\r\n"), "9110 5.1"),
    "non-ASCII name": Answer(_head(b"X-\xff: b\r\nContent-Length: 3\r\n"), "9110 5.1"),
    "NUL in header": Answer(_head(b"X-A: b\x00\r\nContent-Length: 3\r\n"), "9110 5.5"),
    "control byte in header": Answer(_head(b"X-A: b\x01\r\nContent-Length: 3\r\n"), "9110 5.5"),
    "head ends in CR CR LF": Answer(_OK + b"Content-Length: 3\r\n\r\r\nabc", "2.2"),
    "too many headers": Answer(_head(b"X-A: b\r\n" * 300 + b"Content-Length: 3\r\n"), "9110 5.4"),
    "head without end": Answer(_OK + b"X-A: b\r\n" * 20_000, "9110 5.4"),
    "header without end": Answer(_OK + b"X-A: " + b"b" * 500_000, "9110 5.4"),
    "closed in the head": Answer(_OK + b"Content-Length: 3\r\nX-A", "8", "close"),
    "closed before the blank line": Answer(_OK + b"Content-Length: 3\r\n", "8", "close"),
    "reset in the head": Answer(_OK + b"Content-Length: 3\r\nX-A", "8", "reset"),
    # framing
    "length and chunked": Answer(_head(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", _ABC), "6.3"),
    "chunked and length": Answer(_head(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", _ABC), "6.3"),
    "two lengths, equal": Answer(_head(b"Content-Length: 3\r\nContent-Length: 3\r\n"), "6.3"),
    "two lengths, different": Answer(_head(b"Content-Length: 2\r\nContent-Length: 3\r\n"), "6.3"),
    "length as list": Answer(_head(b"Content-Length: 3, 3\r\n"), "6.3"),
    "length not a number": Answer(_head(b"Content-Length: three\r\n"), "9110 8.6"),
    "length empty": Answer(_head(b"Content-Length:\r\n"), "9110 8.6"),
    "length with plus": Answer(_head(b"Content-Length: +3\r\n"), "9110 8.6"),
    "length negative": Answer(_head(b"Content-Length: -3\r\n"), "9110 8.6"),
    "length in hex": Answer(_head(b"Content-Length: 0x3\r\n"), "9110 8.6"),
    "length beyond 64 bits": Answer(_head(b"Content-Length: 18446744073709551619\r\n"), "9110 8.6"),
    "coding gzip": Answer(_head(b"Transfer-Encoding: gzip\r\n"), "6.1", "close"),
    "coding gzip, chunked": Answer(_head(b"Transfer-Encoding: gzip, chunked\r\n", _ABC), "6.1"),
    "coding chunked twice": Answer(_head(b"Transfer-Encoding: chunked\r\n" * 2, _ABC), "6.1"),
    "coding identity": Answer(_head(b"Transfer-Encoding: identity\r\n"), "6.1", "close"),
    "coding xchunked": Answer(_head(b"Transfer-Encoding: xchunked\r\n", _ABC), "6.1"),
    "coding empty": Answer(_head(b"Transfer-Encoding:\r\n"), "6.1", "close"),
    "coding on HTTP/1.0": Answer(_head(b"Transfer-Encoding: chunked\r\n", _ABC, b"HTTP/1.0 200 OK\r\n"), "6.1"),
    # informational
    "switched protocols unasked": Answer(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nSTOLEN", "9110 7.8"
    ),
    "101 without Upgrade": Answer(b"HTTP/1.1 101 Switching Protocols\r\n\r\nSTOLEN", "9110 15.2.2"),
    "informational without end": Answer(_HINTS * 5_000, "9110 15.2"),
    "informational with a body": Answer(
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 6\r\n\r\nSTOLEN" + _status(b"HTTP/1.1 200 OK"), "9110 15.2"
    ),
    "informational, then closed": Answer(_HINTS, "8", "close"),
}
"""Nothing of it reaches the client, but an error of the gateway's, or hints that came before the fault."""

CUT: dict[str, Answer] = {
    "length longer than the body": Answer(_head(b"Content-Length: 10\r\n"), "8", "close"),
    "length longer than the body, reset": Answer(_head(b"Content-Length: 10\r\n"), "8", "reset"),
    "no last chunk": Answer(_CHUNKED + b"3\r\nabc\r\n", "8", "close"),
    "closed in a chunk": Answer(_CHUNKED + b"5\r\nabc", "8", "close"),
    "reset behind a chunk": Answer(_CHUNKED + b"3\r\nabc\r\n", "8", "reset"),
    "closed in the trailer": Answer(_CHUNKED + b"3\r\nabc\r\n0\r\nX-A: b\r\n", "8", "close"),
    "chunk size no number": Answer(_CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk size negative": Answer(_CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk size with 0x": Answer(_CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk size with space behind": Answer(_CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk size beyond 64 bits": Answer(_CHUNKED + b"10000000000000003\r\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk size ends in LF": Answer(_CHUNKED + b"3\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk longer than its size": Answer(_CHUNKED + b"1\r\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk shorter than its size": Answer(_CHUNKED + b"5\r\nabc\r\n0\r\n\r\n", "7.1"),
    "chunk without CRLF": Answer(_CHUNKED + b"3\r\nabc0\r\n\r\n", "7.1"),
    "chunk ends in LF": Answer(_CHUNKED + b"3\r\nabc\n0\r\n\r\n", "7.1"),
    "chunk extension with LF": Answer(_CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n", "7.1.1"),
    "chunk extension without end": Answer(_CHUNKED + b"3;" + b"a" * 500_000, "7.1.1"),
    "trailer with NUL": Answer(_CHUNKED + b"3\r\nabc\r\n0\r\nX-A: \x00\r\n\r\n", "7.1.2"),
    "trailer with length": Answer(_CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", "9110 6.5.1"),
    "trailer folded": Answer(_CHUNKED + b"3\r\nabc\r\n0\r\nX-A: b\r\n c\r\n\r\n", "7.1.2"),
    "trailer without end": Answer(_CHUNKED + b"3\r\nabc\r\n0\r\nX-A: " + b"a" * 500_000, "7.1.2"),
    "far more framing than body": Answer(_CHUNKED + b"0000000000000001\r\na\r\n" * 20_000 + b"0\r\n\r\n", "7.1"),
}
"""An answer that begins well: an error where nothing of it was passed on yet, else broken off for all to see."""

PASSED: dict[str, Passed] = {
    # more than was asked for
    "length shorter than the body": Passed(Answer(_head(b"Content-Length: 3\r\n", b"abcSTOLEN"), "6.3")),
    "two answers, with length": Passed(Answer(_head(b"Content-Length: 3\r\n") + _STOLEN, "9.2")),
    "two answers, in chunks": Passed(Answer(_CHUNKED + _ABC + _STOLEN, "9.2")),
    "half an answer behind the first": Passed(Answer(_head(b"Content-Length: 3\r\n") + _STOLEN[:-3], "9.2")),
    "blank lines behind the answer": Passed(Answer(_head(b"Content-Length: 3\r\n") + b"\r\n\r\n" + _STOLEN, "9.2")),
    "blank lines behind the chunks": Passed(Answer(_CHUNKED + _ABC + b"\r\n\r\n" + _STOLEN, "9.2")),
    "garbage behind the chunks": Passed(Answer(_CHUNKED + _ABC + b"\x00STOLEN", "7.1")),
    "an answer where the last should have closed": Passed(
        Answer(_head(b"Connection: close\r\nContent-Length: 3\r\n") + _STOLEN, "9.6")
    ),
    # none where a body comes all the same
    "204 with body": Passed(Answer(b"HTTP/1.1 204 No\r\n\r\nSTOLEN", "9110 15.3.5"), 204, b"No", body=b""),
    "204 with length": Passed(
        Answer(b"HTTP/1.1 204 No\r\nContent-Length: 6\r\n\r\nSTOLEN", "9110 8.6"), 204, b"No", body=b""
    ),
    "204 in chunks": Passed(
        Answer(b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n" + _ABC, "9110 15.3.5"), 204, b"No", body=b""
    ),
    "304 with body": Passed(
        Answer(b"HTTP/1.1 304 Not\r\nETag: e\r\nContent-Length: 6\r\n\r\nSTOLEN", "9110 15.4.5"),
        *(304, b"Not", ((b"etag", b"e"), (b"content-length", b"6")), b""),
    ),
    "HEAD with body": Passed(
        Answer(_head(b"Content-Length: 6\r\n", b"STOLEN"), "9110 9.3.2"),
        fields=((b"content-length", b"6"),),
        body=b"",
        method="HEAD",
    ),
    "HEAD with a whole answer": Passed(
        Answer(_head(b"Content-Length: 6\r\n", b"STOLEN" + _STOLEN), "9110 9.3.2"),
        fields=((b"content-length", b"6"),),
        body=b"",
        method="HEAD",
    ),
    "HEAD in chunks": Passed(Answer(_CHUNKED + b"6\r\nSTOLEN\r\n0\r\n\r\n", "9110 9.3.2"), body=b"", method="HEAD"),
    # what belongs to one connection
    "hop-by-hop fields": Passed(
        Answer(
            _head(
                b"Connection: X-Hop, content-length\r\nX-Hop: STOLEN\r\nKeep-Alive: timeout=5\r\nTrailer: X\r\n"
                b"Upgrade: h2c\r\nProxy-Authenticate: Basic\r\nX-End: 1\r\nContent-Length: 3\r\n"
            ),
            "9110 7.6.1",
        ),
        fields=((b"x-end", b"1"),),
    ),
    "trailers": Passed(
        Answer(_CHUNKED + b"3;x=y\r\nabc\r\n0\r\nSet-Cookie: STOLEN\r\nConnection: close\r\n\r\n", "9110 6.5.1")
    ),
    # strange, and sound
    "hints first": Passed(Answer(b"HTTP/1.1 100 Continue\r\n\r\n" + _head(b"Content-Length: 3\r\n"), "9110 15.2")),
    "no reason": Passed(Answer(_status(b"HTTP/1.1 200 "), "4"), reason=b""),
    "no reason and no space": Passed(Answer(_status(b"HTTP/1.1 200"), "4"), reason=b""),
    "reason beyond ASCII": Passed(
        Answer(_status(b"HTTP/1.1 200 gr\xc3\xbc\xc3\x9f"), "4"), reason=b"gr\xc3\xbc\xc3\x9f"
    ),
    "status beyond those that exist": Passed(Answer(_status(b"HTTP/1.1 999 Odd"), "9110 15"), 999, b"Odd"),
    "value beyond ASCII": Passed(
        Answer(_head(b"X-A: caf\xc3\xa9\r\nContent-Length: 3\r\n"), "9110 5.5"), fields=((b"x-a", b"caf\xc3\xa9"),)
    ),
    "length with zeros": Passed(Answer(_head(b"Content-Length: 003\r\n"), "9110 8.6")),
    "length between tabs": Passed(Answer(_head(b"Content-Length:\t3\t\r\n"), "5.1")),
    "chunk size with zeros": Passed(Answer(_CHUNKED + b"0003\r\nabc\r\n000\r\n\r\n", "7.1")),
    "blank lines in a chunk": Passed(Answer(_CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", "7.1"), body=b"0\r\n\r\n"),
    "no framing": Passed(Answer(_head(b""), "6.3", "close")),
    "HTTP/1.0": Passed(Answer(_head(b"Content-Length: 3\r\n", start=b"HTTP/1.0 200 OK\r\n"), "C.2.2")),
    "HTTP/1.0 that would be kept": Passed(
        Answer(_head(b"Connection: keep-alive\r\nContent-Length: 3\r\n", start=b"HTTP/1.0 200 OK\r\n"), "C.2.2")
    ),
}
"""Passed on as exactly this, and nothing behind it to anybody."""
