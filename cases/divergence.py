"""How far apart a pair's answers are, as one number in [0, 1] by which cases are ranked.

The share of tokens at which the arms' first choices differ where `token_divergence` was measured, since it looks at
the models' own probabilities; else `similarity`'s distance of the two texts; 0 where neither was.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.finding import Measurement
from analyzers.similarity import Similarity
from analyzers.token_divergence.divergence import FIGURES

_PLACES = (
    ("token_divergence", FIGURES.index("top1_disagreement")),
    (Similarity.name, Similarity.figures.index("distance")),
)


def divergence(measurements: Iterable[Measurement]) -> float:
    """See the module."""
    found = {each.analyzer: each.figures for each in measurements}
    for analyzer, at in _PLACES:
        figures = found.get(analyzer, ())
        if at < len(figures):
            return min(1.0, max(0.0, figures[at]))
    return 0.0
