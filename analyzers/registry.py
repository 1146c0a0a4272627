"""Analyzers by name. Built-in and third-party ones come through one door: entry points `slipgauge.analyzers`.

An entry point names a class that is made without arguments and keeps the contract of `analyzers.finding.Analyzer`;
the entry point's name is the analyzer's. https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from analyzers.finding import Analyzer

GROUP = "slipgauge.analyzers"
MAX_VARIABLES = 16
MAX_LABELS = 64
_WORD = re.compile(r"[a-z][a-z0-9_.]{0,63}")


class AnalyzerError(ValueError):
    """An analyzer that is unknown, cannot be loaded, or does not keep the contract."""


def names() -> tuple[str, ...]:
    """Every installed analyzer, sorted."""
    return tuple(sorted(_installed()))


def load(wanted: Iterable[str]) -> tuple[Analyzer, ...]:
    """The analyzers of these names, in this order. Raises AnalyzerError with what would be right."""
    installed = _installed()
    return tuple(_load(name, installed) for name in wanted)


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _load(name: str, installed: dict[str, EntryPoint]) -> Analyzer:
    point = installed.get(name)
    if point is None:
        known = ", ".join(sorted(installed)) or "none"
        raise AnalyzerError(f"no analyzer {name!r} is installed; there are: {known}")
    try:
        analyzer = point.load()()
    except Exception as error:
        raise AnalyzerError(f"analyzer {name!r} ({point.value}) cannot be loaded: {error!r}") from error
    if breach := _breach(analyzer, name):
        raise AnalyzerError(f"analyzer {name!r} ({point.value}) breaks the contract: {breach}")
    return cast("Analyzer", analyzer)


def _breach(analyzer: object, name: str) -> str | None:
    """What part of the contract the analyzer breaks, as far as can be seen from outside."""
    version = getattr(analyzer, "version", None)
    sound = {
        "no method `applies`": callable(getattr(analyzer, "applies", None)),
        "no method `score`": callable(getattr(analyzer, "score", None)),
        "its `name` is not its entry point's name": getattr(analyzer, "name", None) == name,
        "`version` is no text": isinstance(version, str) and bool(version),
        "`scores_unserved` is no boolean": isinstance(getattr(analyzer, "scores_unserved", None), bool),
    }
    for breach, kept in sound.items():
        if not kept:
            return breach
    for attribute, limit in (("variables", MAX_VARIABLES), ("labels", MAX_LABELS)):
        words = getattr(analyzer, attribute, None)
        if not isinstance(words, tuple | frozenset) or not 0 < len(words) <= limit:
            return f"`{attribute}` is no tuple or frozenset of 1 to {limit} words"
        if not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
            return f"`{attribute}` has a word that is not lower case letters, digits, '_' and '.'"
    return None
