"""One way in which a kind is written, and one kind with all its ways."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

Write = Callable[[Random], str]
"""A value. Where it stands inside something that is not private, OPEN and CLOSE stand round it."""
OPEN, CLOSE = "⟦", "⟧"


class Form(NamedTuple):
    """A way to write something. `cue` are words that stand before it, one of which is drawn; none where empty."""

    name: str
    write: Write
    cue: tuple[str, ...] = ()


class Kind(NamedTuple):
    """A kind of private text, and what looks like it and is harmless."""

    name: str
    forms: tuple[Form, ...]
    look_alikes: tuple[Form, ...]


def digits(rng: Random, count: int, first: str = "0123456789") -> str:
    """So many random digits, the first one of these."""
    return rng.choice(first) + "".join(rng.choice("0123456789") for _ in range(count - 1))


def letters(rng: Random, count: int, of: str = "abcdefghijklmnopqrstuvwxyz") -> str:
    """So many random letters."""
    return "".join(rng.choice(of) for _ in range(count))


def grouped(text: str, sizes: tuple[int, ...], sign: str) -> str:
    """The text in groups of these sizes."""
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return sign.join([*parts, text[at:]] if text[at:] else parts)


def fixed(*texts: str) -> Write:
    """One of these, as they are."""
    return lambda rng: rng.choice(texts)
