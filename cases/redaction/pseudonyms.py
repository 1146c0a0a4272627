"""Names in the place of what was found, the same for the same value throughout one case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_NAME = re.compile(r"<([a-z][a-z0-9-]{0,31})-([0-9]{1,6})>")
_SIGNS = re.compile(r"[\s().\-/]+")
_AS_WRITTEN = frozenset({"credentials", "api_key", "jwt", "password", "secret", "private_key"})


class Pseudonyms:
    """The names of one case, such as `<email-1>`. A name says the kind and which one of it, and nothing else."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._named: Counter[str] = Counter()
        self._replaced: Counter[str] = Counter()

    def taken(self, text: str) -> None:
        """Give no name that stands in a text already, be it from an earlier redaction or by chance."""
        for found in _NAME.finditer(text):
            kind = found[1].replace("-", "_")
            self._named[kind] = max(self._named[kind], int(found[2]))

    def name(self, kind: str, value: str) -> str:
        """The name for one occurrence of a value."""
        self._replaced[kind] += 1
        key = (kind, value if kind in _AS_WRITTEN else _SIGNS.sub("", value).casefold())
        if key not in self._names:
            self._named[kind] += 1
            self._names[key] = f"<{kind.replace('_', '-')}-{self._named[kind]}>"
        return self._names[key]

    @property
    def replaced(self) -> Mapping[str, int]:
        """How many occurrences were replaced, by kind."""
        return dict(sorted(self._replaced.items()))
