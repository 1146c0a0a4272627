"""The texts of one case, redacted: what is found in any of them is replaced in all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cases.redaction.own import Find, found_by
from cases.redaction.pseudonyms import Pseudonyms
from cases.redaction.spans import Found, find, merged

MOST_TOLD = 64
"""So many values that only the words before them told are looked for in the other texts."""


class Texts:
    """Two rounds over the same texts: `read` each of them, then ask for each `redacted`."""

    def __init__(self, own: Find | None = None) -> None:
        self._own = own
        self._found: dict[str, list[Found]] = {}
        self._told: dict[str, str] = {}
        self._again: re.Pattern[str] | None = None
        self._names = Pseudonyms()

    @property
    def replaced(self) -> Mapping[str, int]:
        """How many spans were replaced, by kind."""
        return self._names.replaced

    def read(self, text: str) -> str:
        """Find what is in a text; the text as it is. Raises RedactorError where a user's own finder fails."""
        if text not in self._found:
            found = find(text)
            self._names.taken(text)
            if self._own is not None and text:
                own = (
                    Found(start, end, kind, text[start:end], told=False)
                    for start, end, kind in found_by(self._own, text)
                )
                found = merged(list(own), found)
            self._found[text] = found
            for one in found:
                if one.told and len(self._told) < MOST_TOLD:
                    self._told.setdefault(one.value, one.kind)
        return text

    def redacted(self, text: str) -> str:
        """The text with names in the place of what was found."""
        parts, done = list[str](), 0
        for one in merged(self._found[text], self._elsewhere(text)):
            parts += (text[done : one.start], self._names.name(one.kind, one.value))
            done = one.end
        return "".join((*parts, text[done:]))

    def name(self, kind: str, value: str) -> str:
        """The name for a value that is replaced whole."""
        return self._names.name(kind, value)

    def _elsewhere(self, text: str) -> list[Found]:
        """Where a value stands that other words told."""
        if not self._told or len(text) < min(map(len, self._told)):
            return []
        if self._again is None:
            longest = sorted(self._told, key=len, reverse=True)
            self._again = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
        return [
            Found(found.start(), found.end(), self._told[found[0]], found[0], told=True)
            for found in self._again.finditer(text)
        ]
