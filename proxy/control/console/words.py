"""Which words of two texts differ, in bounded time. Pure.

Words are compared by longest common subsequence (rapidfuzz's bit-parallel one, Hyyrö 2004): n words against m take
n·m/64 steps, so with at most MOST_WORDS each some milliseconds. What is the same at both ends is set aside first,
which leaves little of most pairs; texts that are longer even so are compared by lines, and what is too long for
that is shown as different from the first difference to the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

MOST_WORDS = 4_000
"""Most words, or lines, of each text that are aligned."""
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


class Piece(NamedTuple):
    """A stretch of both texts. Where `same`, both hold the same."""

    same: bool
    baseline: str
    candidate: str


def differences(baseline: str, candidate: str) -> list[Piece]:
    """Both texts as stretches that are the same and such that are not, in order; joined, they are the texts."""
    if baseline == candidate:
        return [Piece(True, baseline, candidate)] if baseline else []
    head, ours, theirs, tail = _apart(_WORDS.findall(baseline), _WORDS.findall(candidate))
    if max(len(ours), len(theirs)) > MOST_WORDS:
        head, ours, theirs, tail = _apart(_LINES.findall(baseline), _LINES.findall(candidate))
    if max(len(ours), len(theirs)) > MOST_WORDS:
        middle = [Piece(False, "".join(ours), "".join(theirs))]
    else:
        middle = list(_aligned(ours, theirs))
    return _joined([Piece(True, head, head), *middle, Piece(True, tail, tail)])


def _apart(ours: list[str], theirs: list[str]) -> tuple[str, list[str], list[str], str]:
    """What both begin with, what is left of each, and what both end with."""
    shorter = min(len(ours), len(theirs))
    head = next((at for at in range(shorter) if ours[at] != theirs[at]), shorter)
    left = shorter - head
    tail = next((at for at in range(left) if ours[-1 - at] != theirs[-1 - at]), left)
    ends = len(ours) - tail
    return "".join(ours[:head]), ours[head:ends], theirs[head : len(theirs) - tail], "".join(ours[ends:])


def _aligned(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Piece]:
    for each in LCSseq.opcodes(ours, theirs):
        left, right = ours[each.src_start : each.src_end], theirs[each.dest_start : each.dest_end]
        yield Piece(left == right, "".join(left), "".join(right))


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbours of one kind as one. A blank or a comma that happens to agree between two differences is none."""
    found: list[Piece] = []
    for at, piece in enumerate(pieces):
        if not (piece.baseline or piece.candidate):
            continue
        inside = found and not found[-1].same and any(not each.same for each in pieces[at + 1 : at + 2])
        same = piece.same and not (inside and not re.search(r"\w", piece.baseline))
        last = found.pop() if found and found[-1].same == same else Piece(same, "", "")
        found.append(Piece(same, last.baseline + piece.baseline, last.candidate + piece.candidate))
    return found
