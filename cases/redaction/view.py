r"""A text as patterns should see it, with the way back to where each character stands in the original.

Full-width and other scripts' digits become ASCII ones, every kind of dash and space one kind (Unicode NFKC, UAX
#15), invisible characters vanish, and the escapes of JSON strings (RFC 8259 section 7) are read, so that
`ada\u0040b.org` in a tool's arguments is an address like any other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_ESCAPING = 2
"""JSON in a string of JSON is read as well; deeper than that nobody quotes."""
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_MEANS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]+"
)
_MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class View:
    """A text to search."""

    text: str
    at: Sequence[int] | None = None
    """Where each character begins in the original, and at last where that ends; None where nothing has moved."""

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that stands for this one."""
        return (start, end) if self.at is None else (self.at[start], self.at[end])


def views(text: str) -> Iterator[View]:
    """The text as it is and, where it holds escapes, as it reads without them: the last one first."""
    found = [View(text)]
    while len(found) <= MAX_ESCAPING and _ESCAPE.search(found[-1].text):
        found.append(_unescaped(found[-1]))
    return map(_folded, reversed(found))


def _unescaped(view: View) -> View:
    return _replaced(
        view, _ESCAPE, lambda found: chr(int(found[1], 16)) if found[1] else _MEANS.get(found[2], found[2])
    )


def _folded(view: View) -> View:
    if view.text.isascii():
        return view
    if _INVISIBLE.search(view.text):
        view = _replaced(view, _INVISIBLE, lambda _: "")
    return View(view.text.translate(_FOLDS), view.at)


def _replaced(view: View, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> View:
    parts, at, done = list[str](), list[int](), 0
    for found in pattern.finditer(view.text):
        parts += (view.text[done : found.start()], char := by(found))
        at += range(done, found.start())
        at += [found.start()] * len(char)
        done = found.end()
    parts.append(view.text[done:])
    at += range(done, len(view.text) + 1)
    return View("".join(parts), at if view.at is None else [view.at[each] for each in at])


class _Folds:
    """A table for str.translate, which need not hold all of Unicode."""

    def __getitem__(self, code: int) -> str:
        return _fold(code)


_FOLDS = _Folds()


@lru_cache(maxsize=4_096)
def _fold(code: int) -> str:
    char = chr(code)
    plain = unicodedata.normalize("NFKC", char)
    plain = plain if len(plain) == 1 else char  # places must not move
    if plain.isascii():
        return plain
    if plain == _MINUS or unicodedata.category(plain) == "Pd":
        return "-"
    if unicodedata.category(plain) == "Zs":
        return " "
    digit = unicodedata.decimal(plain, None)
    return plain if digit is None else str(digit)
