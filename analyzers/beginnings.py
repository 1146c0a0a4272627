"""Which words a text has, told by how they begin: whether a slow search for some of them can find anything.

A regular expression of a hundred words tries them all at each word of a text. Looking up how the text's words begin
takes a fiftieth of that, once for everybody who asks, and most texts have none of a pattern's words.
"""

from __future__ import annotations

import re
from functools import lru_cache

LETTERS = 5
"""So many letters of a word are looked at; a shorter word is told whole."""
_BEGINNING = re.compile(rf"\b\w{{1,{LETTERS}}}")


def beginnings(words: str, endings: tuple[str, ...] = ("",)) -> frozenset[str]:
    """How these words begin, each with each ending, for `may_have`: lower-case ASCII between blanks.

    Every form of a short word must be there.
    """
    return frozenset((word + ending)[:LETTERS] for word in words.split() for ending in endings)


def may_have(text: str, needed: frozenset[str]) -> bool:
    r"""Whether a word of `text` begins so, a word being what `\b\w+\b` finds in it, in whatever case.

    Always of text that is not ASCII, whose letters have more than one small form.
    """
    return not text.isascii() or not _of(text).isdisjoint(needed)


@lru_cache(maxsize=8)  # more than one analyzer asks about a request
def _of(text: str) -> frozenset[str]:
    return frozenset(_BEGINNING.findall(text.lower()))
