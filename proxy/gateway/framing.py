"""Where the head of a message ends. Pure.

llhttp says whether bytes are HTTP, but not how far a message reached. So each message gets a parser of its own, its
head is cut at the blank line, and what follows is read once the head is understood. Nothing can leak from one
message into the next, and no rule depends on how the bytes arrive.
"""

from __future__ import annotations

import httptools

BLANK = b"\r\n\r\n"
"""Ends a head, and a chunked body."""
MAX_FIELDS = 256
"""Most header lines in one message."""
CHUNK_FRAMING = 8
"""Bytes of chunk sizes and extensions allowed for each byte of body, beyond what a head may hold. Chunks of one
byte need five; more is there to cost time."""

Parser = httptools.HttpRequestParser | httptools.HttpResponseParser


class HeadTooLargeError(Exception):
    """A head of more bytes than the limit."""


class HeadReader:
    """Collects a head of at most `limit` bytes, one message after the other."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = b""
        self._switched = False
        """Whether llhttp takes what comes for another protocol: it then judges no more."""

    def feed(self, parser: Parser, data: bytes, at: int) -> tuple[bytes | None, int]:
        """Read an arrival from `at` on; gives the head with its blank line, None while incomplete, and its end.

        The parser sees the head alone and as it comes, so that garbage is an error at once. That a message asks for
        an upgrade is left to the caller's rules.

        Raises:
            httptools.HttpParserError: The bytes are no HTTP.
            HeadTooLargeError: They are more than `limit`.
        """
        if not self._held:
            end = data.find(BLANK, at) + len(BLANK)
            if end >= len(BLANK) and end - at <= self._limit:
                head = data[at:end]
                self._judge(parser, head)
                self._switched = False
                return head, end
        return self._join(parser, data, at)

    def _join(self, parser: Parser, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The same for a head that comes in pieces, or is too large."""
        held = len(self._held)
        head = self._held + data[at:]
        end = head.find(BLANK, max(0, held - 3))
        size = len(head) if end < 0 else end + len(BLANK)
        self._judge(parser, head[held : min(size, self._limit)])
        if size > self._limit:
            raise HeadTooLargeError
        if end < 0:
            self._held = head
            return None, len(data)
        self._held = b""
        self._switched = False
        return head[:size], at + size - held

    def _judge(self, parser: Parser, part: bytes) -> None:
        if not self._switched:
            try:
                parser.feed_data(part)
            except httptools.HttpParserUpgrade:
                self._switched = True
