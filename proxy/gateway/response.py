"""A server's bytes read into one response at a time, strictly; pure, so that hostile answers are tested as bytes.

What cannot be framed beyond doubt is an error, and its connection is not used again (RFC 9112 section 6.3). A head
with one line that frames it, and none that speaks of the connection, goes to the client as it came.
"""

from __future__ import annotations

import re

import httptools

from analyzers.pair import media_type
from proxy.gateway.fields import (
    CODING,
    CONNECTION,
    DROP,
    LENGTH,
    PASS,
    UPGRADE,
    finder,
    kind_of,
    line_kind,
    tokens,
    without,
)
from proxy.gateway.framing import BLANK, CHUNK_FRAMING, MAX_FIELDS, HeadReader, HeadTooLargeError

INTERIMS = 8
"""Most informational responses before one answer."""
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_LENGTH_NAME = frozenset({b"content-length"})
_NONE: frozenset[bytes] = frozenset()
_SURPLUS = "bytes came after the end of the response"


class BadResponseError(Exception):
    """The bytes are no response that can be passed on."""


class ResponseHead:
    """A response's status line and header, and how its body is framed."""

    def __init__(self, status: int, reason: bytes, lines: bytes, length: int | None) -> None:
        self.status = status
        self.reason = reason
        self.lines = lines
        """The header lines to pass on, each behind its CRLF: the end-to-end ones, and what frames the body."""
        self.length = length
        """Content-Length, where given."""
        self.bodiless = False
        """No body follows whatever the header says: HEAD, 1xx, 204, 304 (RFC 9110 section 6.4.1)."""
        self.until_close = False
        """The body ends with the connection."""
        self.keep_alive = True
        self.wire = b""
        """The head as it came, where it can go on as it is over a connection that is kept; else empty."""

    @property
    def media_type(self) -> str:
        """What kind of body it is, without parameters, in lower case; empty where it does not say."""
        return media_type(self.field("content-type"))

    def field(self, name: str) -> str:
        """A header field's value by lower-case name; empty where absent."""
        found = finder(name).search(self.lines)
        return found[2].rstrip(b" \t").decode("latin-1") if found else ""


class ResponseReader:
    """Feeds on a connection's bytes. `interim`, `head`, `body` and `complete` say what has arrived.

    `expect` makes it ready for the answer to the next request; bytes that come when none is expected are an error.
    """

    def __init__(self, head_bytes: int) -> None:
        self.interim: list[ResponseHead] = []
        """Informational responses that arrived with this feed; the caller takes them."""
        self.head: ResponseHead | None = None
        self.body = b""
        """Body bytes that arrived with this feed."""
        self.complete = True
        self.begun = False
        """Whether any byte of the expected response has come."""
        self._head_bytes = head_bytes
        self._head = HeadReader(head_bytes)
        self._parser: httptools.HttpResponseParser
        self._ended = False
        """Whether llhttp has seen the end of the message."""
        self._decoded: list[bytes] = []
        self.on_body = self._decoded.append
        """llhttp's callback, straight into the list: a server may send a chunk for every byte."""
        self._plain = httptools.HttpResponseParser(self)
        self._to_head = False
        self._interims = 0
        self._left = 0
        """Body bytes still to come, where a length was given."""
        self._spare = 0
        """Bytes of framing that a chunked body may still spend."""

    def expect(self, *, to_head: bool) -> None:
        """A request was sent; `to_head` where its method was HEAD."""
        self.head = None
        self.complete = self.begun = False
        self._to_head = to_head
        self._interims = 0

    def feed(self, data: bytes) -> None:
        """Read one arrival of bytes.

        Raises:
            BadResponseError: They are not HTTP, or more than was asked for. What came before the fault stands, and
                a response that was complete before it stays complete.
        """
        if self.begun:
            self._read(data)
        else:
            self.begun = True
            if not self._read_plain(data):
                self._next_message()
                self._read(data)
        if self._spare < 0:
            self.complete = False
            raise BadResponseError("far more framing than body")

    def end_of_stream(self) -> bool:
        """The server closed: whether that ends the response well (RFC 9112 section 6.3, case 8)."""
        if not self.complete and self.head is not None and self.head.until_close:
            self.complete = True
            return True
        return False

    def _read_plain(self, data: bytes) -> bool:
        """Read a plain head and what came of the body with it; False, and nothing read, if it is not that.

        This is faster, and judges by the same rules: what they refuse is read again, to say what is wrong.
        """
        size = data.find(BLANK) + len(BLANK)
        if self.complete or not len(BLANK) <= size <= self._head_bytes:
            return False
        try:
            head = read_head(data[:size], to_head=self._to_head)
            left = (head.length or 0) - (len(data) - size)
            if not head.wire or (head.length is not None and left < 0):
                return False
            self._ended = False
            self._plain.feed_data(data)
        except (BadResponseError, httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._plain = httptools.HttpResponseParser(self)
            self._decoded.clear()
            return False
        self.head = head
        self._parser = self._plain
        self._spare = self._head_bytes
        self._take_decoded(len(data) - size)
        if left > 0:
            self._left = left
            self._plain = httptools.HttpResponseParser(self)
        return True

    def _read(self, data: bytes) -> None:
        """Read anything with care."""
        self.body = b""
        try:
            at = 0
            while self.head is None and at < len(data) and not self.complete:
                at = self._read_head(data, at)
            if at < len(data):
                self._read_body(data[at:])
        except HeadTooLargeError:
            raise BadResponseError("the head is too large") from None
        except httptools.HttpParserError as error:
            raise BadResponseError(str(error.__context__ or error)) from None

    def _read_head(self, data: bytes, at: int) -> int:
        """Read on in a head from `at`; gives where it ends."""
        raw, at = self._head.feed(self._parser, data, at)
        if raw is None:
            return at
        head = read_head(raw, to_head=self._to_head)
        if head.status < 200:
            self._take_interim(head)
            return at
        self.head = head
        self._left = head.length or 0
        self._spare = self._head_bytes
        self.complete = head.bodiless or head.length == 0
        if self._ended != self.complete and not self._to_head:  # llhttp cannot be told that no body follows
            raise BadResponseError("the framing can be read in two ways")
        return at

    def _take_interim(self, head: ResponseHead) -> None:
        self._interims += 1
        if head.status == 101:
            raise BadResponseError("switched protocols unasked")
        if self._interims > INTERIMS:
            raise BadResponseError("too many informational responses")
        self.interim.append(head)
        self._next_message()

    def _next_message(self) -> None:
        self._ended = False
        self._parser = httptools.HttpResponseParser(self)

    def _read_body(self, data: bytes) -> None:
        head = self.head
        if self.complete or head is None:
            raise BadResponseError(_SURPLUS)
        if head.until_close:
            self.body = data
        elif head.length is None:
            self._read_chunks(data)
        else:
            left = self._left - len(data)
            self.body = data if left >= 0 else data[:left]
            self._left = left
            self.complete = left <= 0
            if left < 0:
                raise BadResponseError(_SURPLUS)

    def _read_chunks(self, data: bytes) -> None:
        """Read on in a chunked body. Trailers are dropped, and so are blank lines behind it."""
        try:
            self._parser.feed_data(data)
        finally:
            self._take_decoded(len(data))

    def _take_decoded(self, arrived: int) -> None:
        """Body bytes were decoded, out of so many that arrived."""
        decoded = self._decoded
        self.body = body = decoded[0] if len(decoded) == 1 else b"".join(decoded)
        decoded.clear()
        self.complete = self._ended
        self._spare += CHUNK_FRAMING * len(body) - (arrived - len(body))

    # llhttp's callbacks

    def on_message_begin(self) -> None:  # noqa: D102
        if self._ended:
            raise BadResponseError(_SURPLUS)

    def on_message_complete(self) -> None:  # noqa: D102
        self._ended = True


def read_head(head: bytes, *, to_head: bool) -> ResponseHead:
    """Check a response's head, with its blank line, which llhttp has accepted, and say how it is passed on.

    Raises:
        BadResponseError: It breaks a rule.
    """
    first, *lines = head[: -len(BLANK)].split(b"\r\n")
    if len(lines) > MAX_FIELDS:
        raise BadResponseError("the head is too large")
    status, reason, http11, as_it_came = _STARTS.get(first) or _start(first)
    length, chunked, named, passing = None, False, _NONE, [b""]
    for line in lines:
        kind = line_kind(line)
        if kind == LENGTH:
            if length is not None:
                raise BadResponseError("Content-Length came twice")
            length = int(line.partition(b":")[2])
        elif kind == CODING:
            if chunked:
                raise BadResponseError("Transfer-Encoding came twice")
            chunked = True
            continue
        elif kind != PASS and (options := _ending(line)) is not None:
            named |= options
            as_it_came = False
            continue
        passing.append(line)
    if chunked and (length is not None or not http11):
        raise BadResponseError("Transfer-Encoding does not go with HTTP/1.0 or Content-Length")
    bodiless = to_head or status < 200 or status in (204, 304)
    framed = chunked or length is not None
    if status < 200 or status == 204:
        length = None  # RFC 9110 section 8.6
        named |= _LENGTH_NAME
    elif named:
        named -= _LENGTH_NAME
    found = ResponseHead(status, reason, b"\r\n".join(without(passing, named) if named else passing), length)
    if as_it_came and framed and not bodiless:
        found.wire = head
        return found
    found.bodiless = bodiless
    found.until_close = not (bodiless or framed)
    found.keep_alive = http11 and b"close" not in named and not found.until_close and not to_head
    return found


_STARTS: dict[bytes, tuple[int, bytes, bool, bool]] = {}
"""Status lines as met; bounded."""


def _start(line: bytes) -> tuple[int, bytes, bool, bool]:
    """Status, reason, whether it is HTTP/1.1, and whether the line may go on as it came."""
    found = _STATUS_LINE.fullmatch(line)
    if not found:
        raise BadResponseError("the status line is malformed")
    http11 = found[1] == b"1"
    start = int(found[2]), found[3] or b"", http11, http11 and found[3] is not None
    if len(line) <= 128 and len(_STARTS) < 256:
        _STARTS[line] = start
    return start


def _ending(line: bytes) -> frozenset[bytes] | None:
    """What a line names that ends here, mostly nothing; None where it goes on."""
    name, _, value = line.partition(b":")
    kind = kind_of(name)
    if kind == CONNECTION:
        return frozenset(tokens(value))
    if kind in (LENGTH, CODING):
        raise BadResponseError("the framing is none that is accepted: a length, or one `chunked`")
    return _NONE if kind in (DROP, UPGRADE) else None


def head_bytes(head: ResponseHead, *, chunked: bool, close: bool) -> bytes:
    """The head as the client gets it, its framing rebuilt for the client's connection."""
    if head.wire and not close and chunked == (head.length is None):
        return head.wire
    framing = b"\r\nTransfer-Encoding: chunked" if chunked else b""
    if close:
        framing += b"\r\nConnection: close"
    return b"HTTP/1.1 %d %b%b%b\r\n\r\n" % (head.status, head.reason, head.lines, framing)
