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
    return tuple(sorted(_points()))


def load(wanted: Iterable[str]) -> tuple[Analyzer, ...]:
    """The analyzers of these names, in this order. Raises AnalyzerError with what would be right."""
    points = _points()
    return tuple(_load(name, points) for name in wanted)


def installed() -> dict[str, Analyzer | AnalyzerError]:
    """Every installed analyzer by name, or why it cannot be used. Reads the metadata of every package once."""
    points = _points()
    found: dict[str, Analyzer | AnalyzerError] = {}
    for name in sorted(points):
        try:
            found[name] = _load(name, points)
        except AnalyzerError as error:
            found[name] = error
    return found


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _load(name: str, points: dict[str, EntryPoint]) -> Analyzer:
    point = points.get(name)
    if point is None:
        known = ", ".join(sorted(points)) or "none"
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
        "no method `prepare`": callable(getattr(analyzer, "prepare", None)),
        "no method `applies`": callable(getattr(analyzer, "applies", None)),
        "no method `score`": callable(getattr(analyzer, "score", None)),
        "its `name` is not its entry point's name": getattr(analyzer, "name", None) == name,
        "`version` is no text": isinstance(version, str) and bool(version),
        "`scores_unserved` is no boolean": isinstance(getattr(analyzer, "scores_unserved", None), bool),
    }
    for breach, kept in sound.items():
        if not kept:
            return breach
    figures = getattr(analyzer, "figures", None)
    for attribute, least, limit in (
        ("figures", 0, MAX_VARIABLES),
        ("variables", 0 if figures else 1, MAX_VARIABLES),
        ("labels", 1, MAX_LABELS),
    ):
        words = getattr(analyzer, attribute, None)
        if not isinstance(words, tuple | frozenset) or not least <= len(words) <= limit:
            return f"`{attribute}` is no tuple or frozenset of {least} to {limit} words"
        if not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
            return f"`{attribute}` has a word that is not lower case letters, digits, '_' and '.'"
    return None
