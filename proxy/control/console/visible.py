"""Characters that a reader would not see, or that would change what he sees, as text. Pure.

The text of a model may turn the reading direction round, colour a terminal, or carry words that no screen shows.
Each such character is written out: the C0 controls and DEL as their pictures (U+2400 and on), all else by code
point. Tabs and line ends stay, and so do the joiners that emoji and several scripts need (U+200C, U+200D).
"""

from __future__ import annotations

import re

UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, the escape that begins ANSI codes among them
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u3164\uffa0"  # blanks, directions
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff"  # separators, overrides and isolates, what is no character
    "\ud800-\udfff"  # halves of a pair, which UTF-8 cannot write
    "\U000e0000-\U000e0fff"  # tags and further variation selectors
    "]"
)
_PICTURES = 0x2400


def written(character: str) -> str:
    """One such character in characters that are seen."""
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    return "\u2421" if code == 0x7F else f"U+{code:04X}"


def visible(text: str) -> str:
    """The text with every such character written out, those by code point in brackets."""
    return UNSEEN.sub(lambda found: _bracketed(written(found.group())), text)


def _bracketed(shown: str) -> str:
    return shown if len(shown) == 1 else f"[{shown}]"
