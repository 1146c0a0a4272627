"""What is to be replaced in a text: all kinds together, no two spans overlapping."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from cases.redaction.accounts import cards, ibans
from cases.redaction.contacts import emails, phones
from cases.redaction.identities import identities
from cases.redaction.keys import passwords, private_keys, random_words, tokens
from cases.redaction.network import addresses, credentials
from cases.redaction.span import Span
from cases.redaction.view import views

SHORTEST = 6
"""Nothing that is found has fewer characters."""
_NUMBER = re.compile(r"[0-9](?:[^0-9\n]{0,3}[0-9]){5}")
"""Six digits near each other: no number that is looked for has fewer."""
_FINDERS: tuple[tuple[Callable[[str], Iterator[Span]], re.Pattern[str]], ...] = (
    (private_keys, re.compile("PRIVATE KEY|PuTTY")),
    (tokens, re.compile(r"[^\s]{16}")),
    (credentials, re.compile(r"://|=|-u|--user")),
    (emails, re.compile(r"@|%40|&#64;|\bat\b", re.IGNORECASE)),
    (ibans, _NUMBER),
    (cards, _NUMBER),
    (identities, _NUMBER),
    (phones, _NUMBER),
    (addresses, re.compile(r"[0-9]\.[0-9]|[0-9A-Fa-f:][:-][0-9A-Fa-f:]")),
    (passwords, re.compile(r"pass|pw|kennwort|contrase", re.IGNORECASE)),
    (random_words, re.compile(r"[^\s]{16}")),
)
"""In order of precedence where two say something of one place, each with what it needs to stand in a text."""


class Found(NamedTuple):
    """One span of a text, and what stands there as it reads."""

    start: int
    end: int
    kind: str
    value: str
    told: bool


def find(text: str) -> list[Found]:
    """What is to be replaced, in order. Takes time in proportion to the text, whatever stands there."""
    if len(text) < SHORTEST:
        return []
    found: list[Found] = []
    for number, view in enumerate(views(text)):
        spans = _apart(
            (rank, span)
            for rank, (finder, needed) in enumerate(_FINDERS)
            if needed.search(view.text)
            for span in finder(view.text)
        )
        each = [
            Found(*view.source(span.start, span.end), span.kind, view.text[span.start : span.end], span.told)
            for span in spans
        ]
        found = merged(found, (_behind_escape(text, one) for one in each)) if number else each
    return found


def merged(first: list[Found], further: Iterable[Found]) -> list[Found]:
    """Both, in order, without what of `further` overlaps the `first`. Both are in order and apart."""
    kept, ahead = list[Found](), iter((*first, None))
    barrier = next(ahead)
    for one in further:
        while barrier is not None and barrier.end <= one.start:
            kept.append(barrier)
            barrier = next(ahead)
        if barrier is None or one.end <= barrier.start:
            kept.append(one)
    if barrier is not None:
        kept.append(barrier)
        kept.extend(one for one in ahead if one is not None)
    return kept


def _apart(found: Iterable[tuple[int, Span]]) -> Iterator[Span]:
    """Overlapping spans as one, of the kind that comes first."""
    rank, whole = 0, None
    for other, span in sorted(found, key=lambda each: (each[1].start, each[0])):
        if whole is None or span.start >= whole.end:
            if whole is not None:
                yield whole
            rank, whole = other, span
        else:
            best = span if other < rank else whole
            rank, whole = min(rank, other), best._replace(start=whole.start, end=max(whole.end, span.end))
    if whole is not None:
        yield whole


def _behind_escape(text: str, found: Found) -> Found:
    """Without the letter of an escape that it seems to begin with, so that JSON stays JSON."""
    if found.start and text[found.start - 1] == "\\" and found.end - found.start > 1:
        return found._replace(start=found.start + 1, value=found.value[1:])
    return found
