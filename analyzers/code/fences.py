"""Fenced code blocks of a Markdown answer, as CommonMark has them.

https://spec.commonmark.org/0.31.2/#fenced-code-blocks: three or more backquotes or tildes, indented by at most
three blanks, to a line of at least as many of the same and nothing else. A block that is not closed ends with the
text. More than three blanks are allowed here, since blocks stand within lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_BLOCKS = 32
_FENCE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]*+)([^\n`]*+)$", re.MULTILINE)
"""Never tries a part again, which would take for ever on a long line that is no fence."""


class Block(NamedTuple):
    """One fenced block."""

    language: str
    """The info string's first word, in lower case."""
    code: str
    closed: bool


def blocks(text: str) -> Iterator[Block]:
    """The first MAX_BLOCKS blocks."""
    opening: re.Match[str] | None = None
    count = 0
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif fence[1].startswith(opening[1]) and not fence[2] and not fence[3].strip():
            yield Block(opening[2].lower(), text[opening.end() + 1 : fence.start()], closed=True)
            opening, count = None, count + 1
            if count == MAX_BLOCKS:
                return
    if opening is not None:
        yield Block(opening[2].lower(), text[opening.end() + 1 :], closed=False)
