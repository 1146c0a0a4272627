"""A client's bytes read into requests, strictly; pure, so that every rule is tested without a socket.

llhttp refuses most of what breaks framing. What it lets through is refused here: two or no Host, any transfer
coding but `chunked`, HTTP/1.0 with Transfer-Encoding, other versions, non-ASCII bytes, blank lines before a
request, Upgrade and CONNECT. Nothing that two servers may read differently is passed on (RFC 9112 sections 2 to 6).

Nearly all requests are one plain POST whose head arrives at once, with one Host, one Content-Length and nothing
that speaks of the connection. Those are read as plain: llhttp judges their bytes as it does all others, but calls
nothing back for each field, and what a header line is to us is remembered, since the same lines come again and
again. Whatever is not plain beyond doubt is read field by field.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

import httptools

from proxy.gateway.errors import Refusal
from proxy.gateway.fields import (
    CODING,
    CONNECTION,
    CONTROL,
    EXPECT,
    HOST,
    IDLE,
    LEG,
    LENGTH,
    PASS,
    UPGRADE,
    Field,
    is_host,
    kind_of,
    line_kind,
    line_of,
    tokens,
    without,
)

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
MAX_FIELDS = 256
"""Most header lines in one message."""

_PLAIN_LINE = re.compile(rb"POST (/[!\"$-~]*) HTTP/1\.1")


class Request:
    """One request as far as it has arrived. `pieces` are its body's bytes not yet passed on or held."""

    control: Mapping[str, str] = MappingProxyType({})
    """The `X-Slipgauge-*` fields by lower-case name: for the analyzers, never for a server."""
    http10 = False
    keep_alive = True
    chunked = False
    expects_continue = False
    size = 0
    """Body bytes that have arrived."""
    complete = False

    def __init__(self, method: bytes, target: bytes, lines: list[bytes], length: int | None) -> None:
        self.method = method
        self.target = target
        """In origin form, or `*`: what follows the method on the next leg's request line."""
        self.path = target.partition(b"?")[0]
        """The target without its query."""
        self.lines = lines
        """The end-to-end header lines for the next leg, without Host and framing, behind an empty one."""
        self.forward = b"\r\n".join(lines)
        """The same as bytes: each line behind its CRLF."""
        self.length = length
        """Content-Length; None where the body is chunked or there is none."""
        self.pieces: list[bytes] = []

    @property
    def has_body(self) -> bool:
        """Whether the head announced a body, empty or not."""
        return self.chunked or self.length is not None


_TARGETS: dict[bytes, bytes] = {}


def _plain_target(line: bytes) -> bytes | None:
    """The target of a plain request line; None where it is not plain. The same few come again and again."""
    target = _TARGETS.get(line)
    if target is None and (match := _PLAIN_LINE.fullmatch(line)):
        target = match[1]
        if len(line) <= 128 and len(_TARGETS) < 256:
            _TARGETS[line] = target
    return target


class _Silent:
    """What llhttp reports to where only its judgement is asked for."""


class RequestReader:
    """Feeds on a connection's bytes and appends to `requests`; after a `refusal` it reads no more.

    A request is appended when its head is complete and grows as its body arrives. Bytes after a request that closes
    the connection are ignored (RFC 9112 section 9.6).
    """

    def __init__(self, head_bytes: int, body_bytes: int) -> None:
        self.requests: deque[Request] = deque()
        self.refusal: Refusal | None = None
        self.in_head = False
        """True while a head has begun and is not complete."""
        self._head_bytes = head_bytes
        self._body_bytes = body_bytes
        self._judge = httptools.HttpRequestParser(_Silent())
        self._parser: httptools.HttpRequestParser | None = None
        self._current: Request | None = None
        self._left = 0
        """Body bytes still to come of a plain request."""
        self._target = b""
        self._fields: list[Field] = []
        self._head_size = 0
        self._overhead = 0
        self._arriving = 0
        self._closing = False

    @property
    def reading_body(self) -> bool:
        """True while the last request's body is incomplete."""
        return self._current is not None

    def feed(self, data: bytes) -> None:
        """Read one arrival of bytes."""
        if self.refusal is not None or self._closing:
            return
        if self._left:
            data = self._plain_body(data)
            if not data:
                return
        if self._current is None and not self.in_head and self._plain(data):
            return
        self._read(data)

    def _plain(self, data: bytes) -> bool:
        """Read what is one plain POST and no more; False, and nothing read, where it is anything else."""
        end = data.find(b"\r\n\r\n")
        if not 0 <= end <= self._head_bytes:
            return False
        lines = data[:end].split(b"\r\n")
        target = _plain_target(lines[0])
        if target is None or len(lines) > MAX_FIELDS:
            return False
        hosts, length, passing = 0, -1, [b""]
        for line in lines[1:]:
            kind = line_kind(line)
            if kind == PASS:
                passing.append(line)
            elif kind == LENGTH and length < 0:
                length = int(line.partition(b":")[2])
            elif kind == HOST:
                hosts += 1
            elif kind != IDLE:
                return False
        body = data[end + 4 :]
        left = length - len(body)
        if hosts != 1 or left < 0 or length > self._body_bytes:
            return False
        try:
            self._judge.feed_data(data)
        except httptools.HttpParserError:
            self._judge = httptools.HttpRequestParser(_Silent())
            return False
        request = Request(b"POST", target, passing, length)
        if body:
            request.pieces.append(body)
            request.size = len(body)
        if left:
            self._current, self._left = request, left
        else:
            request.complete = True
        self.requests.append(request)
        return True

    def _plain_body(self, data: bytes) -> bytes:
        """More of a plain request's body; what comes after it is returned."""
        request, piece = self._current, data[: self._left]
        if request is None:
            raise RuntimeError("a body without a request")
        self._judge.feed_data(piece)
        request.pieces.append(piece)
        request.size += len(piece)
        self._left -= len(piece)
        if not self._left:
            request.complete = True
            self._current = None
        return data[len(piece) :]

    def _read(self, data: bytes) -> None:
        """Read bytes field by field."""
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            if not self.in_head and self._current is None and data[:1] in (b"\r", b"\n"):
                raise Refusal(400, "bad_request", "A blank line came before the request line.")  # noqa: TRY301
            body_before = self._current.size if self._current is not None else 0
            self._arriving = len(data)
            self._parser.feed_data(data)
            self._bound_overhead(len(data), body_before)
        except Refusal as refusal:
            self.refusal = refusal
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._closing:
                return
            cause = error.__context__
            self.refusal = cause if isinstance(cause, Refusal) else _malformed(error)

    def _bound_overhead(self, arrived: int, body_before: int) -> None:
        """Bound what is neither body nor stored: an endless head, chunk extension or trailer."""
        current = self._current
        if current is None and not self.in_head:
            return
        grown = 0 if current is None else current.size - body_before
        self._overhead = max(0, self._overhead + arrived - 16 * grown)
        if self._overhead > self._head_bytes:
            raise _too_long()

    # llhttp's callbacks, in the order in which they come

    def on_message_begin(self) -> None:  # noqa: D102
        self.in_head = True
        self._target = b""
        self._fields = []
        self._head_size = 0
        self._overhead = -self._arriving  # where in these bytes it began is not known: count from the next

    def on_url(self, url: bytes) -> None:  # noqa: D102
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        if not self.in_head:
            return  # a trailer: dropped (RFC 9110 section 6.5.1)
        self._fields.append((name, value.rstrip(b" \t")))
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._head_bytes or len(self._fields) > MAX_FIELDS:
            raise _too_long()

    def on_headers_complete(self) -> None:  # noqa: D102
        parser = self._parser
        if parser is None:
            raise RuntimeError("a head without a parser")
        if self._head_size + len(self._target) > self._head_bytes:
            raise _too_long()
        request = read_head(
            parser.get_method(), self._target, parser.get_http_version(), self._fields, self._body_bytes
        )
        self.in_head = False
        self._current = request
        self.requests.append(request)

    def on_body(self, piece: bytes) -> None:  # noqa: D102
        request = self._current
        if request is None:
            return
        request.pieces.append(piece)
        request.size += len(piece)
        if request.size > self._body_bytes:
            raise _too_large(self._body_bytes)

    def on_message_complete(self) -> None:  # noqa: D102
        request = self._current
        if request is None:
            return
        request.complete = True
        self._current = None
        self._closing = not request.keep_alive


def read_head(method: bytes, target: bytes, version: str, fields: list[Field], body_bytes: int) -> Request:
    """Check a request's head and say how it is passed on.

    Raises:
        Refusal: The head breaks a rule, or announces more than `body_bytes`.
    """
    if version not in ("1.1", "1.0"):
        raise Refusal(505, "http_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if method not in METHODS:
        raise Refusal(501, "method", "This method is not supported.")
    head = _Head(http10=version == "1.0")
    passing = head.passing
    for item in fields:
        kind = kind_of(item[0])
        if kind == PASS:
            passing.append(item)
        else:
            head.take(kind, *item)
    passing_lines = [b"", *map(line_of, without(passing, head.named) if head.named else passing)]
    if not all(map(bytes.isascii, passing_lines)):
        raise _bad("Header fields must be ASCII.")
    if head.hosts != 1 and not (head.http10 and head.hosts == 0):
        raise _bad("A request needs exactly one Host header.")
    if head.chunked and (head.http10 or head.length is not None):
        raise _bad("Transfer-Encoding does not go with HTTP/1.0 or Content-Length.")
    if head.length is not None and head.length > body_bytes:
        raise _too_large(body_bytes)
    request = Request(method, _origin_form(method, target), passing_lines, head.length)
    request.control = head.control
    request.http10 = head.http10
    request.keep_alive = not (head.http10 or head.close)
    request.chunked = head.chunked
    request.expects_continue = head.expects_continue and not head.http10
    return request


class _Head:
    """What one pass over the header fields finds."""

    __slots__ = ("chunked", "close", "control", "expects_continue", "hosts", "http10", "length", "named", "passing")

    def __init__(self, *, http10: bool) -> None:
        self.http10 = http10
        self.passing: list[Field] = []
        self.control: dict[str, str] = {}
        self.named: set[bytes] = set()
        self.hosts = 0
        self.length: int | None = None
        self.chunked = self.close = self.expects_continue = False

    def take(self, kind: int, name: bytes, value: bytes) -> None:
        """Judge a field that is not simply passed on."""
        if not value.isascii():
            raise _bad("Header fields must be ASCII.")
        if kind == HOST:
            self.hosts += 1
            if not is_host(value):
                raise _bad("The Host header is malformed.")
        elif kind == LENGTH:
            if self.length is not None or not value.isdigit() or len(value) > 18:
                raise _bad("Content-Length is malformed or came twice.")
            self.length = int(value)
        elif kind == CODING:
            if self.chunked or value.lower() != b"chunked":
                raise _bad("The only transfer coding accepted is one `chunked`.")
            self.chunked = True
        else:
            self._take_meaning(kind, name, value)

    def _take_meaning(self, kind: int, name: bytes, value: bytes) -> None:
        if kind == CONNECTION:
            self.named.update(tokens(value))
            self.close = self.close or b"close" in self.named
            if b"upgrade" in self.named:
                raise _bad("Upgrade is not supported.")
        elif kind == EXPECT:
            if value.lower() != b"100-continue":
                raise Refusal(417, "expectation_failed", "The only expectation met is 100-continue.")
            self.expects_continue = True
        elif kind == UPGRADE:
            raise _bad("Upgrade is not supported.")
        elif kind == CONTROL:
            self.control[name.lower().decode()] = value.decode()
        elif kind == LEG:
            raise Refusal(400, "leg_header", "X-Slipgauge-Leg is set by the gateway alone.")


def _origin_form(method: bytes, target: bytes) -> bytes:
    """The target in origin form; an absolute one loses its authority (RFC 9112 section 3.2.2)."""
    if not target.isascii() or b"#" in target:
        raise _bad("The request target is malformed.")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise _bad("The request target is malformed.")
    match = re.search(rb"[/?]", rest)
    found = rest[match.start() :] if match else b""
    return found if found.startswith(b"/") else b"/" + found


def _bad(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)


def _too_long() -> Refusal:
    return Refusal(431, "head_too_large", "The request's head is too large.")


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "body_too_large", f"The request's body is larger than {limit} bytes.")


def _malformed(error: Exception) -> Refusal:
    reason = "it asks for an upgrade" if isinstance(error, httptools.HttpParserUpgrade) else str(error)
    return _bad(f"The request is not well-formed HTTP: {reason}.")
