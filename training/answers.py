"""The classifier of answers: fitted on all rows, or on all but some models, prompts or a source, to measure it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from analyzers.refusal.linear import Linear
from training.fit import GRID, INNER, Example, Strength, balanced, fit
from training.rows import CHATGPT, PARTIAL, XSTEST, Row, decided, learned

FOLDS = 5
"""Outer folds over prompts."""
PARTLY = 0.5
"""What a partial refusal counts for beside other answers: people agree on it least."""
Scored = Iterator[tuple[Row, float]]
"""Rows with their log-odds by a classifier that saw neither their prompt nor, where that is said, their model."""


def fitted(rows: Iterable[Row], grid: Sequence[Strength] = GRID) -> tuple[Linear, Strength]:
    """A classifier for these rows, and what was chosen for it by cross-validation within them."""
    every = list(rows)
    alike = balanced([(row.source, row.model, row.refused) for row in every])
    weights = [weight * (PARTLY if row.label == PARTIAL else 1.0) for row, weight in zip(every, alike, strict=True)]
    return fit(
        [
            Example(row.features, row.refused, weight, row.fold(INNER * FOLDS) // FOLDS)
            for row, weight in zip(every, weights, strict=True)
        ],
        grid,
    )


def without_model_and_prompts() -> Scored:
    """XSTest's rows, each by a classifier that saw neither its model nor its prompt."""
    for model in sorted({row.model for row in decided() if row.source == XSTEST}):
        for fold in range(FOLDS):
            yield from _scored(
                [row for row in learned() if row.model != model and row.fold(FOLDS) != fold],
                [row for row in decided() if row.model == model and row.fold(FOLDS) == fold],
            )


def without_prompts() -> Scored:
    """chatgpt-refusals' rows, which are one model's, each by a classifier that did not see its prompt."""
    for fold in range(FOLDS):
        yield from _scored(
            [row for row in learned() if row.fold(FOLDS) != fold],
            [row for row in decided() if row.source == CHATGPT and row.fold(FOLDS) == fold],
        )


def without_source(source: str) -> Scored:
    """The rows of a source by a classifier that saw none of it."""
    yield from _scored(
        [row for row in learned() if row.source != source], [row for row in decided() if row.source == source]
    )


def _scored(seen: Sequence[Row], measured: Sequence[Row]) -> Scored:
    model, _ = fitted(seen)
    yield from ((row, model.log_odds(row.features)) for row in measured)
