"""A model's text on a terminal: as text, whatever it is. Escape sequences and reordering marks are written out."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories that a terminal acts on, or shows nothing for: controls, bidirectional marks, separators, surrogates
(Unicode Standard Annex #44, "General Category Values")."""


def plain(text: str) -> str:
    """The text with every such character written as its code, lines and tabs apart."""
    return "".join(_shown(char) for char in text)


def line(text: str) -> str:
    """The same on one line."""
    return plain(text.replace("\n", " ").replace("\t", " "))


def _shown(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in _UNSEEN:
        return char
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{{{ord(char):x}}}"
