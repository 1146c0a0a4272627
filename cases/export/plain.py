"""The plain form: each case as one line of JSON, whole, to be imported (`cases.incoming`) or replayed."""

from __future__ import annotations

from collections.abc import Iterable

from cases.case import Case, dumps


def lines(cases: Iterable[Case]) -> bytes:
    """The cases, one a line."""
    return b"".join(dumps(case) + b"\n" for case in cases)
