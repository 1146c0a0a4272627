"""A server's bytes read into one response at a time, strictly; pure, so that hostile answers are tested as bytes.

What cannot be framed beyond doubt is an error, and its connection is not used again (RFC 9112 section 6.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from proxy.gateway.fields import (
    CODING,
    CONNECTION,
    DROP,
    LENGTH,
    UPGRADE,
    Field,
    block,
    kind_of,
    tokens,
    without,
)
from proxy.gateway.request import MAX_FIELDS

_REASON = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


class BadResponseError(Exception):
    """The bytes are no response that can be passed on."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A response's status line and header, and how its body is framed."""

    status: int
    reason: bytes
    fields: list[Field]
    """The header fields to pass on: the end-to-end ones, and Content-Length in its place."""
    length: int | None
    """Content-Length, where given."""
    bodiless: bool
    """No body follows whatever the header says: HEAD, 1xx, 204, 304 (RFC 9110 section 6.4.1)."""
    until_close: bool
    """The body ends with the connection."""
    keep_alive: bool

    def field(self, name: bytes) -> str:
        """A header field's value by lower-case name; empty where absent."""
        for key, value in self.fields:
            if key.lower() == name:
                return value.decode("latin-1")
        return ""


class ResponseReader:
    """Feeds on a connection's bytes. `interim`, `head`, `pieces` and `complete` say what has arrived.

    `expect` makes it ready for the answer to the next request; bytes that come when none is expected are an error.
    """

    def __init__(self, head_bytes: int) -> None:
        self.interim: list[ResponseHead] = []
        """Informational responses that arrived with this feed."""
        self.head: ResponseHead | None = None
        self.pieces: list[bytes] = []
        """Body bytes that arrived with this feed; the caller takes them."""
        self.complete = True
        self.begun = False
        """Whether any byte of the expected response has come."""
        self._head_bytes = head_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._to_head = False
        self._reason = b""
        self._fields: list[Field] = []
        self._in_head = False
        self._head_size = 0
        self._overhead = 0
        self._surplus = False

    def expect(self, *, to_head: bool) -> None:
        """A request was sent; `to_head` where its method was HEAD."""
        self.head = None
        self.complete = self.begun = False
        self._to_head = to_head

    def feed(self, data: bytes) -> None:
        """Read one arrival of bytes.

        Raises:
            BadResponseError: They are not HTTP, or more than was asked for. What came before the fault stands, and
                a response that was complete before it stays complete.
        """
        self.begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BadResponseError(str(error.__context__ or error)) from None
        if self._surplus:
            raise BadResponseError("bytes came after the end of the response")
        if not self.complete:
            self._overhead = max(0, self._overhead + len(data) - 16 * sum(map(len, self.pieces)))
            if self._overhead > self._head_bytes:
                raise BadResponseError("a head, chunk extension or trailer without end")

    def end_of_stream(self) -> bool:
        """The server closed: whether that ends the response well (RFC 9112 section 6.3, case 8)."""
        if not self.complete and self.head is not None and self.head.until_close:
            self.complete = True
            return True
        return False

    # llhttp's callbacks, in the order in which they come

    def on_message_begin(self) -> None:  # noqa: D102
        if self.complete:
            self._surplus = True
        self._reason = b""
        self._fields = []
        self._in_head = True
        self._head_size = self._overhead = 0

    def on_status(self, reason: bytes) -> None:  # noqa: D102
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        if not self._in_head:
            return  # a trailer: dropped
        self._fields.append((name, value.rstrip(b" \t")))
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._head_bytes or len(self._fields) > MAX_FIELDS:
            raise BadResponseError("the head is too large")

    def on_headers_complete(self) -> None:  # noqa: D102
        self._in_head = False
        if self._surplus:
            return
        parser = self._parser
        head = read_head(
            parser.get_status_code(),
            self._reason,
            parser.get_http_version(),
            self._fields,
            to_head=self._to_head,
        )
        if head.status < 200:
            if head.status == 101:
                raise BadResponseError("switched protocols unasked")
            if len(self.interim) == 8:
                raise BadResponseError("too many informational responses")
            self.interim.append(head)
            return
        self.head = head
        if self._to_head:  # llhttp cannot be told that no body follows, so the connection ends here
            self.complete = True

    def on_body(self, piece: bytes) -> None:  # noqa: D102
        if self.complete:
            self._surplus = True
        else:
            self.pieces.append(piece)

    def on_message_complete(self) -> None:  # noqa: D102
        if self.head is not None:
            self.complete = True


def read_head(status: int, reason: bytes, version: str, fields: list[Field], *, to_head: bool) -> ResponseHead:
    """Check a response's head and say how it is passed on.

    Raises:
        BadResponseError: It breaks a rule.
    """
    if status < 100 or version not in ("1.1", "1.0") or not _REASON.fullmatch(reason):
        raise BadResponseError("the status line is malformed")
    passing: list[Field] = []
    named: set[bytes] = set()
    length: int | None = None
    chunked = False
    for name, value in fields:
        kind = kind_of(name)
        if kind == LENGTH:
            if length is not None or not value.isdigit() or len(value) > 18:
                raise BadResponseError("Content-Length is malformed or came twice")
            length = int(value)
            passing.append((name, value))
        elif kind == CODING:
            if chunked or value.lower() != b"chunked":
                raise BadResponseError("the only transfer coding accepted is one `chunked`")
            chunked = True
        elif kind == CONNECTION:
            named.update(tokens(value))
        elif kind not in (DROP, UPGRADE):
            passing.append((name, value))
    if chunked and (length is not None or version == "1.0"):
        raise BadResponseError("Transfer-Encoding does not go with HTTP/1.0 or Content-Length")
    bodiless = to_head or status < 200 or status in (204, 304)
    until_close = not (bodiless or chunked or length is not None)
    if status == 204 or status < 200:
        length = None  # RFC 9110 section 8.6
        named.add(b"content-length")
    else:
        named.discard(b"content-length")
    return ResponseHead(
        status=status,
        reason=reason,
        fields=without(passing, named) if named else passing,
        length=length,
        bodiless=bodiless,
        until_close=until_close,
        keep_alive=version == "1.1" and b"close" not in named and not until_close and not to_head,
    )


def head_bytes(head: ResponseHead, *, chunked: bool, close: bool) -> bytes:
    """The head as the client gets it, its framing rebuilt for the client's connection."""
    framing = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    if close:
        framing += b"Connection: close\r\n"
    return b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (head.status, head.reason, block(head.fields), framing)
