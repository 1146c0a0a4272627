"""A server's bytes read into one response at a time, strictly; pure, so that hostile answers are tested as bytes.

What cannot be framed beyond doubt is an error, and its connection is not used again (RFC 9112 section 6.3).

Nearly all answers have a head that arrives at once and one line that frames them, a length or `chunked`. Those are
read as plain: llhttp judges and unframes them like all others, but calls nothing back for each field, and the head
goes to the client as it came. Whatever is not plain beyond doubt is read field by field.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import httptools

from proxy.gateway.fields import (
    CODING,
    CONNECTION,
    DROP,
    LENGTH,
    PASS,
    UPGRADE,
    Field,
    block,
    finder,
    kind_of,
    line_kind,
    tokens,
    without,
)
from proxy.gateway.request import MAX_FIELDS

_REASON = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_PLAIN_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
_CODING = finder("transfer-encoding")


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
        self._pieces: list[bytes] = []
        self._judge = self._new_judge()
        self._parser: httptools.HttpResponseParser | None = None
        self._plain = False
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
        if not self.begun:
            self.begun = True
            self._overhead = 0
            self._plain = self._begin_plain(data)
        pieces = self._pieces
        try:
            if self._plain:
                self._judge.feed_data(data)
            else:
                self._read(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BadResponseError(str(error.__context__ or error)) from None
        finally:
            self.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
        if self._surplus:
            raise BadResponseError("bytes came after the end of the response")
        if not self.complete:
            self._bound_overhead(len(data))

    def end_of_stream(self) -> bool:
        """The server closed: whether that ends the response well (RFC 9112 section 6.3, case 8)."""
        if not self.complete and self.head is not None and self.head.until_close:
            self.complete = True
            return True
        return False

    def _begin_plain(self, data: bytes) -> bool:
        """Read the head where it is plain; False, and nothing read, where it is anything else."""
        end = data.find(b"\r\n\r\n")
        if self._to_head or not 0 <= end <= self._head_bytes:
            return False
        lines = data[:end].split(b"\r\n")
        status = _plain_status(lines[0])
        if not status or len(lines) > MAX_FIELDS:
            return False
        framed, length = False, -1
        for line in lines[1:]:
            kind = line_kind(line)
            if kind == PASS:
                continue
            if framed or kind not in (LENGTH, CODING):
                return False
            framed = True
            if kind == LENGTH:
                length = int(line.partition(b":")[2])
        if not framed:
            return False
        head = ResponseHead(status, lines[0][13:], data[len(lines[0]) : end], length if length >= 0 else None)
        head.wire = data[: end + 4]
        self.head = head
        self._overhead = -end
        return True

    def _new_judge(self) -> httptools.HttpResponseParser:
        """Judges and unframes a response without looking at its fields; body bytes go straight into a list."""
        return httptools.HttpResponseParser(
            SimpleNamespace(
                on_message_begin=self._on_next,
                on_body=self._pieces.append,
                on_message_complete=self.on_message_complete,
            )
        )

    def _on_next(self) -> None:
        if self.complete:
            raise BadResponseError("bytes came after the end of the response")

    def _read(self, data: bytes) -> None:
        """Read bytes field by field."""
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        self._parser.feed_data(data)

    def _bound_overhead(self, arrived: int) -> None:
        """Bound what is neither body nor stored: an endless head, chunk extension or trailer."""
        self._overhead = max(0, self._overhead + arrived - 16 * len(self.body))
        if self._overhead > self._head_bytes:
            raise BadResponseError("a head, chunk extension or trailer without end")

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
        if parser is None:
            raise RuntimeError("a head without a parser")
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
            self._pieces.append(piece)

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
    head = ResponseHead(status, reason, block(without(passing, named) if named else passing), length)
    head.bodiless = bodiless
    head.until_close = until_close
    head.keep_alive = version == "1.1" and b"close" not in named and not until_close and not to_head
    return head


_STATUSES: dict[bytes, int] = {}


def _plain_status(line: bytes) -> int:
    """The status of a plain status line; 0 where it is not plain. The same few come again and again."""
    status = _STATUSES.get(line, 0)
    if not status and (match := _PLAIN_LINE.fullmatch(line)) and match[1] not in (b"204", b"304"):
        status = int(match[1])
        if len(line) <= 128 and len(_STATUSES) < 256:
            _STATUSES[line] = status
    return status


def head_bytes(head: ResponseHead, *, chunked: bool, close: bool) -> bytes:
    """The head as the client gets it, its framing rebuilt for the client's connection."""
    if head.wire and not close and chunked == (head.length is None):
        return head.wire
    framing = b"\r\nTransfer-Encoding: chunked" if chunked else b""
    if close:
        framing += b"\r\nConnection: close"
    return b"HTTP/1.1 %d %b%b%b\r\n\r\n" % (head.status, head.reason, _CODING.sub(b"", head.lines), framing)
