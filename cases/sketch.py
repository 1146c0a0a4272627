"""Near-duplicates: prompts that share most of their words in the same order. Pure.

A prompt is its set of shingles (three words in a row, of the normalised text), and two are near-duplicates where
the sets' Jaccard similarity is at least ALIKE. It is estimated from each set's K smallest hashes, the bottom-k form
of MinHash: of the K smallest in the union of both, the share that is in both sets (Broder 1997, "On the resemblance
and containment of documents", section 4.3). Own code, since the packages that do this need numpy and scipy, which
the proxy has no use for otherwise.

System prompts do not count: requests that share a long one are not the same. Every other message does, since "yes"
means something else in another conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any

K = 64
"""Hashes kept of a prompt: at a similarity of 0.8 the estimate's standard error is 0.05."""
KEYS = 8
"""The smallest of them, by which others are looked up: near-duplicates share one but for once in 10^5 or less."""
ALIKE = 0.8
MAX_WORDS = 20_000
"""Words that are looked at."""
_WORD = re.compile(r"\w+|[^\w\s]")
_SHINGLE = 3

Sketch = tuple[int, ...]
"""The smallest hashes, ascending; empty where there are no words."""


def sketch(request: Mapping[str, Any]) -> Sketch:
    """The sketch of what a request asks, by its body."""
    words = list(islice(_words(request), MAX_WORDS))
    shingles = {" ".join(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1))} - {""}
    return tuple(sorted(map(_hash, shingles))[:K])


def likeness(one: Sketch, other: Sketch) -> float:
    """The estimated Jaccard similarity, in [0, 1]; 0 where either has no words."""
    if not one or not other:
        return 0.0
    first, second = set(one), set(other)
    smallest = sorted(first | second)[:K]
    return sum(each in first and each in second for each in smallest) / len(smallest)


def _words(request: Mapping[str, Any]) -> Iterator[str]:
    for text in _texts(request):
        for found in _WORD.finditer(text):
            yield found[0].casefold()


def _texts(request: Mapping[str, Any]) -> Iterator[str]:
    turns = request.get("messages") or request.get("input") or request.get("prompt")
    for turn in turns if isinstance(turns, list) else [turns]:
        if isinstance(turn, str):
            yield turn
        elif isinstance(turn, dict) and turn.get("role") not in ("system", "developer"):
            content = turn.get("content")
            for part in content if isinstance(content, list) else [content]:
                text = part.get("text") if isinstance(part, dict) else part
                if isinstance(text, str):
                    yield text


def _hash(shingle: str) -> int:
    """A number below 2^63, which SQLite takes."""
    return int.from_bytes(blake2b(shingle.encode("utf-8", "replace"), digest_size=8).digest()) >> 1
