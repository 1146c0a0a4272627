"""The model's name in an answer: the client's own in place of the arm's. Pure.

Where an arm knows a model by another name, a client would be told that name, and in a canary stage two of them. So
the value of a `"model"` key that is the arm's name is replaced as it passes; every other byte stays. Within a text
the quotes would be escaped, so what a model wrote is never touched. A compressed answer cannot be read here, which
is why none is asked for where a name has to be replaced.
"""

from __future__ import annotations

import re

import orjson

from analyzers.pair import STREAM
from proxy.gateway.fields import finder
from proxy.gateway.response import ResponseHead

_KEY = b'"model"'
_PARTIAL = re.compile(rb'"model"[ \t\r\n]*(?::[ \t\r\n]*(.*))?', re.DOTALL)
_SPACES = 8
"""Most whitespace around a colon for which the start of a name is waited out."""
_LENGTH = finder("content-length")
_READABLE = ("application/json", STREAM)


class Naming:
    """One answer of an arm that calls the model `theirs`, for a client that calls it `ours`."""

    __slots__ = ("_held", "_longest", "_ours", "_pattern", "_readable", "_theirs")

    def __init__(self, ours: str, theirs: str) -> None:
        self._theirs = orjson.dumps(theirs)
        self._pattern = re.compile(rb'("model"[ \t\r\n]*:[ \t\r\n]*)' + re.escape(self._theirs))
        self._ours = rb"\1" + orjson.dumps(ours).replace(b"\\", rb"\\")
        self._longest = len(_KEY) + 1 + _SPACES + len(self._theirs)
        self._held = b""
        self._readable = False

    def head(self, head: ResponseHead) -> ResponseHead:
        """The head as the client gets it: without a length, since that may change."""
        self._readable = head.media_type in _READABLE and not head.field("content-encoding") and not head.bodiless
        if not self._readable:
            return head
        shown = ResponseHead(head.status, head.reason, _LENGTH.sub(b"", head.lines), None)
        shown.until_close, shown.keep_alive = head.until_close, head.keep_alive
        return shown

    def body(self, piece: bytes, *, last: bool) -> bytes:
        """What goes on of the next piece, and of what was held back: the end of a piece that may begin a name."""
        if not self._readable:
            return piece
        text = self._pattern.sub(self._ours, self._held + piece)
        cut = len(text) if last else self._begins(text)
        self._held = text[cut:]
        return text[:cut]

    def _begins(self, text: bytes) -> int:
        """Where what may turn out to be the name begins, at the end of `text`; its length where nothing does."""
        at = text.rfind(_KEY, -self._longest)
        if at >= 0:
            found = _PARTIAL.fullmatch(text, at)
            if found and self._theirs.startswith(found[1] or b""):
                return at
        for size in range(min(len(_KEY) - 1, len(text)), 0, -1):
            if text.endswith(_KEY[:size]):
                return len(text) - size
        return len(text)
