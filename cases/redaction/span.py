"""One thing that was found in a text."""

from __future__ import annotations

import re
from typing import NamedTuple

REACH = 40
"""So many characters before a number may say what it is."""


class Span(NamedTuple):
    """Where something stands that is to be replaced."""

    start: int
    end: int
    kind: str
    told: bool = False
    """True where only the words before it told what it is: it is then looked for in the whole case."""


_SUM = re.compile(
    r"(?:\b(?:compute|calculate|evaluate|solve|work out|simplify|berechne|rechne)|=)[:\s]{0,3}$", re.IGNORECASE
)
_EQUALS = re.compile(r" ?=")


def is_sum(text: str, start: int, end: int) -> bool:
    """Whether numbers with hyphens between them are to be subtracted: arithmetic must stay what it is."""
    return said_before(text, start, _SUM) or _EQUALS.match(text, end) is not None


def said_before(text: str, start: int, words: re.Pattern[str]) -> bool:
    """Whether one of these words stands shortly before."""
    return words.search(text, max(0, start - REACH), start) is not None
