"""Redactors that do what none should."""

from __future__ import annotations

from collections.abc import Iterable

Spans = Iterable[tuple[int, int, str]]


def fails(text: str) -> Spans:
    raise ValueError(text)


def hangs(text: str) -> Spans:
    while True:
        text = text[::-1]
