"""How far the two answers are from each other as texts.

Measures, on the text and the calls of each choice, of which the first 4,096 characters count, and on average over
several:

- `distance`: characters to delete and to insert to make one of the other, as a share of both: 0 for equal texts, 1
  for nothing in common (the normalised Indel distance of rapidfuzz).
- `first_difference`: where they part, as a share of the longer; 1 where they do not.
- `log_length_ratio`: ln of the candidate's length over the baseline's, one added to each: above 0 where the
  candidate says more. This one has a sign.

It explains and ranks, and decides nothing: at a temperature above 0 two answers of the same model differ as well,
which the same figures against a repeat show. Prefer `token_divergence` where both arms are vLLM: it tells a likely
other word from an unlikely one. Not applicable where neither arm says anything (`nothing`).

Source: https://rapidfuzz.github.io/RapidFuzz/Usage/distance/Indel.html
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import ClassVar

from rapidfuzz.distance import Indel, Prefix

from analyzers.asked import generates_text
from analyzers.finding import Measurement, NotApplicable, Reply, Result
from analyzers.pair import Choice, Exchange, Pair

MAX_CHARS = 4_096
_SAME = (0.0, 1.0, 0.0)


class Similarity:
    """See the module."""

    name: ClassVar[str] = "similarity"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = ()
    figures: ClassVar[tuple[str, ...]] = ("distance", "first_difference", "log_length_ratio")
    labels: ClassVar[frozenset[str]] = frozenset({"nothing"})
    scores_unserved: ClassVar[bool] = False

    def prepare(self) -> None:
        """Nothing is heavy."""
        return

    def applies(self, pair: Pair) -> bool:
        """Requests for text."""
        return generates_text(pair.request)

    def score(self, pair: Pair, replies: tuple[Reply, ...] = ()) -> Result:
        """See the module; never needs further requests."""
        figures = _compared(pair.baseline, pair.candidate)
        if figures is None:
            return NotApplicable("nothing")
        noise = None if pair.repeat is None else _compared(pair.baseline, pair.repeat)
        return Measurement(self.name, self.version, figures, noise or ())


def _compared(one: Exchange, other: Exchange) -> tuple[float, ...] | None:
    """The figures; None where there is nothing to compare."""
    texts = list(zip(map(_text, one.choices), map(_text, other.choices), strict=False))
    if not any(map(any, texts)):
        return None
    figures = [_figures(*pair) for pair in texts]
    return figures[0] if len(figures) == 1 else tuple(map(fmean, zip(*figures, strict=True)))


def _figures(one: str, other: str) -> tuple[float, float, float]:
    if one == other:
        return _SAME
    return (
        Indel.normalized_distance(one, other),
        Prefix.normalized_similarity(one, other),
        math.log((1 + len(other)) / (1 + len(one))),
    )


def _text(choice: Choice) -> str:
    text = choice.text or choice.refusal
    if not choice.tool_calls:
        return text[:MAX_CHARS]
    calls = (f"{call.name} {call.arguments}" for call in choice.tool_calls)
    return "\n".join((text[:MAX_CHARS], *calls))[:MAX_CHARS]
