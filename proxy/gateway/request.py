"""A client's bytes read into requests, strictly; pure, so that every rule is tested without a socket.

llhttp judges every head and every chunk. What it lets through is refused here: two or no Host, any transfer coding
but one `chunked`, HTTP/1.0 with Transfer-Encoding, other versions and protocols, more than one space in the request
line, non-ASCII bytes, blank lines before a request, Upgrade and CONNECT. Nothing that two servers may read
differently is passed on (RFC 9112 sections 2 to 6). What a header line is to us is remembered, since the same lines
come again and again.
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
    is_host,
    kind_of,
    line_kind,
    tokens,
    without,
)
from proxy.gateway.framing import BLANK, CHUNK_FRAMING, MAX_FIELDS, HeadReader, HeadTooLargeError
from proxy.gateway.pieces import gather

METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
"""Those that are passed on."""
BLANKS = 64
"""Blank lines in one arrival of a chunked body of which each is tried as its end. Behind these the arrival is read
as one, and no other request may come in it."""

_LINE = re.compile(rb"([A-Z]+) ([!-~]+) HTTP/1\.([01])")
_ABSOLUTE = re.compile(rb"https?://([^/?:][^/?]*)(.*)", re.IGNORECASE)
"""An absolute target: its authority, which names a host, and the rest."""
_NONE: frozenset[bytes] = frozenset()
_PASSED_ON = f"The methods passed on are {b', '.join(METHODS).decode()}."
_MALFORMED = {
    HOST: "The Host header is malformed.",
    LENGTH: "Content-Length is malformed.",
    UPGRADE: "Upgrade is not supported.",
}


class Request:
    """One request as far as it has arrived. `pieces` are its body's bytes not yet passed on or held."""

    lines: list[bytes]
    """The end-to-end header lines for the next leg, without Host and framing, behind an empty one."""
    forward: bytes
    """The same as bytes: each line behind its CRLF."""
    length: int | None = None
    """Content-Length; None where the body is chunked or there is none."""
    control: Mapping[str, str] = MappingProxyType({})
    """The `X-Slipgauge-*` fields by lower-case name: for the analyzers, never for a server."""
    http10 = False
    keep_alive = True
    chunked = False
    expects_continue = False
    size = 0
    """Body bytes that have arrived."""
    complete = False

    def __init__(self, method: bytes, target: bytes) -> None:
        self.method = method
        self.target = target
        """In origin form, or `*`: what follows the method on the next leg's request line."""
        self.path = target.partition(b"?")[0]
        """The target without its query."""
        self.pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """More of the body arrived."""
        self.size += len(piece)
        gather(self.pieces, piece)

    @property
    def has_body(self) -> bool:
        """Whether the head announced a body, empty or not."""
        return self.chunked or self.length is not None

    def take_body(self) -> bytes:
        """The body's bytes that have arrived, which are the caller's from now on."""
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


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
        self._head = HeadReader(head_bytes)
        self._judge = httptools.HttpRequestParser(None)
        self._parser: httptools.HttpRequestParser
        self._ended = False
        """Whether llhttp has seen the end of the message."""
        self._current: Request | None = None
        self._decoded: list[bytes] = []
        self.on_body = self._decoded.append
        """llhttp's callback, straight into the list: a client may send a chunk for every byte."""
        self._tail = b""
        """The last bytes of a chunked body so far: its end may be split over two arrivals."""
        self._spare = 0
        """Bytes of framing that a chunked body may still spend."""
        self._closing = False

    @property
    def reading_body(self) -> bool:
        """True while the last request's body is incomplete."""
        return self._current is not None

    def feed(self, data: bytes) -> None:
        """Read one arrival of bytes."""
        if self.refusal is not None or (self._current is None and self._read_plain(data)):
            return
        try:
            at = 0
            while at < len(data) and not self._closing:
                request = self._current
                if request is None:
                    at = self._read_head(data, at)
                elif request.chunked:
                    at = self._read_chunks(request, data, at)
                else:
                    at = self._read_length(request, data, at)
        except Refusal as refusal:
            self.refusal = refusal
        except HeadTooLargeError:
            self.refusal = _too_long()
        except httptools.HttpParserError as error:
            cause = error.__context__
            self.refusal = cause if isinstance(cause, Refusal) else _malformed(error)

    def _read_plain(self, data: bytes) -> bool:
        """Read a head, and what came with it of a body without chunks; False, and nothing read, if it is not that.

        This is faster, and judges by the same rules: what they refuse is read again, to say what is wrong.
        """
        size = data.find(BLANK) + len(BLANK)
        if self.in_head or self._closing or not len(BLANK) <= size <= self._head_bytes:
            return False
        try:
            request = read_head(data[:size], self._body_bytes)
            body = data[size:]
            left = (request.length or 0) - len(body)
            if request.chunked or left < 0:
                return False
            self._judge.feed_data(data)
        except (Refusal, httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._judge = httptools.HttpRequestParser(None)
            return False
        if body:
            request.add(body)
        self.requests.append(request)
        if left:
            self._current = request
            self._judge = httptools.HttpRequestParser(None)
        else:
            request.complete = True
            self._closing = not request.keep_alive
        return True

    def on_message_begin(self) -> None:  # noqa: D102 - llhttp's callback
        if self._ended:
            raise _bad("A request came behind a chunked body full of blank lines.")

    def on_message_complete(self) -> None:  # noqa: D102 - llhttp's callback
        self._ended = True

    # each reads on from a place in an arrival, and gives the place that it got to: no copies of what follows

    def _read_head(self, data: bytes, at: int) -> int:
        if not self.in_head:
            if data[at] in b"\r\n":
                raise _bad("A blank line came before the request line.")
            self._ended = False
            self._parser = httptools.HttpRequestParser(self)
        head, at = self._head.feed(self._parser, data, at)
        self.in_head = head is None
        if head is None:
            return at
        request = read_head(head, self._body_bytes)
        if self._ended == (request.chunked or bool(request.length)):
            raise _bad("The request's framing can be read in two ways.")
        self.requests.append(request)
        self._current = request
        if request.chunked:
            self._tail = b""
            self._spare = self._head_bytes
            return at
        return self._read_length(request, data, at)

    def _read_length(self, request: Request, data: bytes, at: int) -> int:
        """Read on in a body of known length, which may be 0."""
        end = at + (request.length or 0) - request.size
        if at < end and at < len(data):
            request.add(data[at:end])
        if end <= len(data):
            self._complete(request)
        return min(end, len(data))

    def _read_chunks(self, request: Request, data: bytes, at: int) -> int:
        """Read on in a chunked body, from one place where it may end to the next. Trailers are dropped."""
        for _ in range(BLANKS):
            end = self._possible_end(data, at)
            self._decode(request, data[at:end])
            at = end
            if self._ended or at == len(data):
                break
        else:
            self._decode(request, data[at:])
            at = len(data)
        if self._ended:
            self._complete(request)
        return at

    def _possible_end(self, data: bytes, at: int) -> int:
        """The place behind the next blank line, which may have begun in the arrival before."""
        tail = self._tail
        seam = (tail + data[at : at + 3]).find(BLANK)
        end = at + seam - len(tail) if seam >= 0 else data.find(BLANK, at)
        return len(data) if seam < 0 and end < 0 else end + len(BLANK)

    def _decode(self, request: Request, part: bytes) -> None:
        decoded = self._decoded
        self._tail = (self._tail + part[-3:])[-3:]
        self._parser.feed_data(part)
        size = 0
        if decoded:
            piece = decoded[0] if len(decoded) == 1 else b"".join(decoded)
            decoded.clear()
            size = len(piece)
            request.add(piece)
        if request.size > self._body_bytes:
            raise _too_large(self._body_bytes)
        self._spare += CHUNK_FRAMING * size - (len(part) - size)
        if self._spare < 0:
            raise _too_long()

    def _complete(self, request: Request) -> None:
        request.complete = True
        self._current = None
        self._closing = not request.keep_alive


def read_head(head: bytes, body_bytes: int) -> Request:
    """Check a request's head, with its blank line, which llhttp has accepted, and say how it is passed on.

    Raises:
        Refusal: The head breaks a rule, or announces more than `body_bytes`.
    """
    first, *lines = head[: -len(BLANK)].split(b"\r\n")
    if len(lines) > MAX_FIELDS:
        raise _too_long()
    method, target, http10 = _STARTS.get(first) or _start(first)
    request = Request(method, target)
    if http10:
        request.http10, request.keep_alive = True, False
    hosts, named, passing = 0, _NONE, [b""]
    for line in lines:
        kind = line_kind(line)
        if kind == PASS:
            passing.append(line)
        elif kind == HOST:
            hosts += 1
        elif kind == LENGTH:
            if request.length is not None:
                raise _bad("Content-Length came twice.")
            request.length = int(line.partition(b":")[2])
        elif kind != IDLE:
            named |= _take(request, line)
    if hosts != 1 and (hosts or not http10):
        raise _bad("A request needs exactly one Host header.")
    if request.chunked and (http10 or request.length is not None):
        raise _bad("Transfer-Encoding does not go with HTTP/1.0 or Content-Length.")
    if request.length is not None and request.length > body_bytes:
        raise _too_large(body_bytes)
    request.lines = without(passing, named) if named else passing
    request.forward = b"\r\n".join(request.lines)
    return request


_STARTS: dict[bytes, tuple[bytes, bytes, bool]] = {}
"""Request lines as met; bounded, and without queries, which may hold a key."""


def _start(line: bytes) -> tuple[bytes, bytes, bool]:
    """Method, target in origin form, and whether it is HTTP/1.0. llhttp takes RTSP, and several spaces."""
    found = _LINE.fullmatch(line)
    if not found:
        parts = line.split(b" ")
        if len(parts) == 2 or (len(parts) == 3 and parts[2].startswith(b"HTTP/")):
            raise Refusal(505, "http_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        raise _bad("The request line is malformed.")
    method = found[1]
    if method not in METHODS:
        raise Refusal(501, "method", f"This method is not supported. {_PASSED_ON}")
    start = method, _origin_form(method, found[2]), found[3] == b"0"
    if len(line) <= 128 and b"?" not in line and len(_STARTS) < 256:
        _STARTS[line] = start
    return start


def _origin_form(method: bytes, target: bytes) -> bytes:
    """The target in origin form; an absolute one loses its authority (RFC 9112 section 3.2.2)."""
    if b"#" in target:
        raise _bad("The request target is malformed.")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if not absolute or not is_host(absolute[1]):
        raise _bad("The request target is malformed.")
    found = absolute[2]
    if not found and method == b"OPTIONS":
        return b"*"  # RFC 9112 section 3.2.4
    return found if found.startswith(b"/") else b"/" + found


def _take(request: Request, line: bytes) -> frozenset[bytes]:
    """Judge a line that few requests have; gives the fields that `Connection` names."""
    name, _, value = line.partition(b":")
    kind, value = kind_of(name), value.strip(b" \t")
    if kind in _MALFORMED or not line.isascii():
        raise _bad(_MALFORMED.get(kind, "Header fields must be ASCII."))
    if kind == CONNECTION:
        return _options(request, value)
    if kind == CODING:
        if request.chunked or value.lower() != b"chunked":
            raise _bad("The only transfer coding accepted is one `chunked`.")
        request.chunked = True
    elif kind == EXPECT:
        if value.lower() != b"100-continue":
            raise Refusal(417, "expectation_failed", "The only expectation met is 100-continue.")
        request.expects_continue = not request.http10
    elif kind == LEG:
        raise Refusal(400, "leg_header", "X-Slipgauge-Leg is set by the gateway alone.")
    elif kind == CONTROL:
        key, said = name.lower().decode(), value.decode()
        if key in request.control:  # one list (RFC 9110 section 5.3), so that a further `yes` takes back no `no`
            said = f"{request.control[key]}, {said}"
        request.control = {**request.control, key: said}
    return _NONE


def _options(request: Request, value: bytes) -> frozenset[bytes]:
    """What a `Connection` header names."""
    named = frozenset(tokens(value))
    if b"upgrade" in named:
        raise _bad(_MALFORMED[UPGRADE])
    if b"close" in named:
        request.keep_alive = False
    return named


def _malformed(error: httptools.HttpParserError) -> Refusal:
    """What llhttp found wrong; a method that it does not know is no HTTP to it."""
    hint = f" {_PASSED_ON}" if isinstance(error, httptools.HttpParserInvalidMethodError) else ""
    return _bad(f"The request is not well-formed HTTP: {error}.{hint}")


def _bad(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)


def _too_long() -> Refusal:
    return Refusal(431, "head_too_large", "The request's head is too large.")


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "body_too_large", f"The request's body is larger than {limit} bytes.")
