"""Server-sent events, parsed incrementally and strictly by the WHATWG rules.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

Lines end with CR, LF or CRLF, one leading BOM is dropped, lines that start with a colon are comments, several
`data` lines are joined by LF, an event is dispatched by a blank line, and one unfinished at the end is discarded.
Bytes are decoded line by line, which is safe across chunks because CR and LF never occur inside a UTF-8 sequence;
invalid bytes become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE_END = re.compile(rb"[\r\n]")
_PIECE = re.compile(
    rb"data:[ ]?([^\r\n]*+)(?:\n\n|\r\n\r\n)"  # a line of data and the blank one behind it: most events
    rb"|([^\r\n]*+)(?:\r\n|\r|\n)"
)
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One dispatched event."""

    name: str
    """The `event` field, "message" where none was sent."""
    data: str
    end: int
    """Stream bytes up to and including the end of the blank line's CR or LF that dispatched it."""


class Parser:
    """Feed it bytes as they come; it gives the events they complete. The caller bounds the stream."""

    def __init__(self) -> None:
        self._tail = bytearray()
        """An unfinished line."""
        self._passed = 0
        """Stream bytes before `_tail`."""
        self._after_cr = False
        self._first_line = True
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that `chunk` completes. Consume the iterator before feeding on."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):  # the second half of a CRLF whose CR already ended the line
                chunk = chunk[1:]
                self._passed += 1
        searched = len(self._tail)
        self._tail += chunk
        start = 0
        if _LINE_END.search(self._tail, searched):
            for match in _PIECE.finditer(self._tail):
                data, start = match[1], match.end()
                end = self._passed + start
                if event := self._line(match[2], end) if data is None else self._whole(data, end):
                    yield event
        self._after_cr = start == len(self._tail) and self._tail.endswith(b"\r")
        self._passed += start
        del self._tail[:start]

    def _whole(self, data: bytes, end: int) -> Event | None:
        self._first_line = False
        text = str(data, "utf-8", "replace")
        if not self._data and not self._name:
            return Event("message", text, end)
        self._data.append(text)
        return self._dispatch(end)

    def _line(self, line: bytes, end: int) -> Event | None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch(end)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value.decode(errors="replace"))
        elif name == b"event":
            self._name = value.decode(errors="replace")
        return None

    def _dispatch(self, end: int) -> Event | None:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return Event(name, "\n".join(data), end) if data else None
