"""A user's own finder: names, customer numbers, whatever no general pattern knows.

A function that is given one text and yields (start, end, kind) of what must go, for instance from a model of names
that runs in the same process. What it finds is replaced like the rest, with pseudonyms of its kind, and comes
before the built-in kinds where both find something. If it raises, or returns what it should not, the pair is not
kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

GROUP = "slipgauge.redactors"
Find = Callable[[str], Iterable[tuple[int, int, str]]]
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")


class RedactorError(Exception):
    """A redactor that cannot be loaded, or failed on a text. Its words hold nothing of the text."""


def load(name: str) -> Find:
    """The finder of this name: an entry point of the group `slipgauge.redactors`, or `module:function`.

    Raises RedactorError that says what would be right.
    """
    try:
        find = _pointed(name) if ":" in name else _installed(name)
    except RedactorError:
        raise
    except Exception as error:
        raise RedactorError(f"redactor {name!r} cannot be loaded: {error!r}") from error
    if not callable(find):
        raise RedactorError(f"redactor {name!r} is no function")
    return cast("Find", find)


def found_by(find: Find, text: str) -> list[tuple[int, int, str]]:
    """What a user's finder says of one text, checked, in order and apart. Raises RedactorError."""
    try:
        spans = sorted((int(start), int(end), str(kind)) for start, end, kind in find(text))
    except Exception as error:
        raise RedactorError(f"it raised {type(error).__name__}") from None
    if not all(0 <= start < end <= len(text) and _KIND.fullmatch(kind) for start, end, kind in spans):
        raise RedactorError("it returned a span outside the text, or a kind that is no lower-case word")
    kept: list[tuple[int, int, str]] = []
    for start, end, kind in spans:
        if kept and start < kept[-1][1]:
            before = kept.pop()
            kept.append((before[0], max(end, before[1]), before[2]))
        else:
            kept.append((start, end, kind))
    return kept


def _pointed(name: str) -> object:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def _installed(name: str) -> object:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = ", ".join(sorted(points)) or "none"
        raise RedactorError(f"no redactor {name!r} is installed; there are: {known}, or name a `module:function`")
    return points[name].load()
