"""HTTP/1.1 and event streams read slowly, strictly and all at once, by the letter of the standards.

It shares no code with what it checks: no llhttp, no state, one regular expression for each rule of RFC 9112's
grammar. What it refuses, no reader of the gateway may accept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%b) ([!-~]+) HTTP/1\.([01])\r\n" % _TOKEN)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?\r\n")
_FIELD = re.compile(rb"(%b):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*\r\n" % _TOKEN)
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)(?:;[\t -~\x80-\xff]*)?\r\n")
_LENGTH = re.compile(rb"[0-9]+")

Fields = list[tuple[bytes, bytes]]


class GrammarError(Exception):
    """The bytes break the grammar, or end too early."""


@dataclass(frozen=True)
class Message:
    """One message, its start line's parts first: method, target, version or version, status, reason."""

    start: tuple[bytes, ...]
    fields: Fields
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        """A field's values by lower-case name."""
        return [value for key, value in self.fields if key.lower() == name]

    def named(self) -> set[bytes]:
        """The fields that `Connection` names, lower-case."""
        return {token.strip(b" \t").lower() for value in self.values(b"connection") for token in value.split(b",")}


def requests(wire: bytes) -> Iterator[tuple[Message, int]]:
    """The requests of a connection and where each ends, for as long as they keep to the grammar.

    Raises:
        GrammarError: There is no further request, and there are bytes left.
    """
    at = 0
    while at < len(wire):
        start, fields, at = _head(_REQUEST_LINE, wire, at)
        if not all(value.isascii() for _, value in fields):
            raise GrammarError("not ASCII")
        length, chunked = _framing(start[2], fields)
        if chunked:
            body, at = _chunks(wire, at)
        else:
            body, at = _sized(wire, at, length or 0)
        yield Message(start, fields, body), at


def response(wire: bytes, *, to_head: bool, closed: bool) -> tuple[list[Message], int]:
    """Interim responses and the answer, and where it ends; `closed` where the connection ended with the bytes.

    Raises:
        GrammarError: They are no response, or no whole one.
    """
    messages: list[Message] = []
    at = 0
    while True:
        start, fields, at = _head(_STATUS_LINE, wire, at)
        status = int(start[1])
        length, chunked = _framing(start[0], fields)
        if status < 200:
            messages.append(Message(start, fields, b""))
            continue
        body = b""
        if not (to_head or status in (204, 304)):
            if chunked:
                body, at = _chunks(wire, at)
            elif length is not None:
                body, at = _sized(wire, at, length)
            elif closed:
                body, at = wire[at:], len(wire)
            else:
                raise GrammarError("the end of the connection is the end of the body")
        return [*messages, Message(start, fields, body)], at


def origin_form(target: bytes, method: bytes) -> bytes:
    """What follows the method on the next leg's request line (RFC 9112 section 3.2)."""
    path = re.sub(rb"^[A-Za-z]+://[^/?]+", b"", target)
    if path != target and not path and method == b"OPTIONS":
        return b"*"
    return path if path.startswith((b"/", b"*")) else b"/" + path


def _head(line: re.Pattern[bytes], wire: bytes, at: int) -> tuple[tuple[bytes, ...], Fields, int]:
    found = line.match(wire, at)
    if not found:
        raise GrammarError("start line")
    start = tuple(part or b"" for part in found.groups())
    fields, at = _fields(wire, found.end())
    return start, fields, at


def _fields(wire: bytes, at: int) -> tuple[Fields, int]:
    fields = []
    while found := _FIELD.match(wire, at):
        fields.append((found[1], found[2]))
        at = found.end()
    if wire[at : at + 2] != b"\r\n":
        raise GrammarError("field")
    return fields, at + 2


def _framing(minor: bytes, fields: Fields) -> tuple[int | None, bool]:
    lengths = [value for name, value in fields if name.lower() == b"content-length"]
    codings = [value.lower() for name, value in fields if name.lower() == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1 or not set(codings) <= {b"chunked"} or (codings and minor == b"0"):
        raise GrammarError("framing")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise GrammarError("length")
    return int(lengths[0]) if lengths else None, bool(codings)


def _sized(wire: bytes, at: int, size: int) -> tuple[bytes, int]:
    body = wire[at : at + size]
    if len(body) < size:
        raise GrammarError("body too short")
    return body, at + size


def _chunks(wire: bytes, at: int) -> tuple[bytes, int]:
    body = b""
    while found := _CHUNK.match(wire, at):
        size = int(found[1], 16)
        if not size:
            return body, _fields(wire, found.end())[1]
        piece, at = _sized(wire, found.end(), size)
        body += piece
        if wire[at : at + 2] != b"\r\n":
            raise GrammarError("chunk")
        at += 2
    raise GrammarError("chunk size")


def events(stream: bytes) -> list[tuple[str, str]]:
    """Name and data of the events of a whole stream, decoded first and then cut into lines, as WHATWG words it."""
    lines = re.split("\r\n|\r|\n", stream.decode(errors="replace").removeprefix("\ufeff"))[:-1]
    found: list[tuple[str, str]] = []
    name = ""
    data: list[str] = []
    for line in lines:
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                found.append((name or "message", "\n".join(data)))
            name, data = "", []
        elif key == "data":
            data.append(value)
        elif key == "event":
            name = value
    return found
