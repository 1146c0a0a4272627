"""The words and letters of a text, as names of features that are there or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

WORDS = 80
"""Tokens whose runs of one to three are features."""
LETTERS = 55
"""Tokens whose runs of letters are features."""


def words(tokens: Sequence[str], *, first: bool = True) -> set[str]:
    """Runs of one to three tokens; those of the first sentence, of one and two, once more under "1:"."""
    told = ["^", *tokens[:WORDS]]
    found = set(told)
    found.update(map(" ".join, pairwise(told)))
    found.update(map(" ".join, zip(told, told[1:], told[2:], strict=False)))
    if first:
        end = next((at for at, word in enumerate(told) if at > 2 and word in ".!?"), len(told))
        found.update(f"1:{token}" for token in told[:end])
        found.update(f"1:{one} {two}" for one, two in pairwise(told[:end]))
    return found


def letters(tokens: Sequence[str]) -> set[str]:
    """Runs of three to five letters within tokens, their edges marked by spaces."""
    return set().union(*map(_within, tokens[:LETTERS]))


@lru_cache(maxsize=4096)
def _within(token: str) -> frozenset[str]:
    marked = f" {token[:40]} "
    return frozenset(marked[at : at + size] for size in (3, 4, 5) for at in range(max(1, len(marked) - size + 1)))
