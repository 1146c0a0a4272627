"""From labelled features to a calibrated linear classifier, by scikit-learn's logistic regression.

What is chosen (how strongly weights are held down, how much a rule counts beside a run of letters) is chosen by
cross-validation over prompts within the rows given, never with the rows that are then measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from analyzers.refusal.linear import Features, Linear

GROUPS = ("rules", "words", "letters")
RARE = {"rules": 2, "words": 4, "letters": 6}
"""Features in fewer rows than this are left out."""
NGRAM = 2.0
"""How much all n-grams of a kind count together."""
INNER = 5
DIGITS = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One row to fit on."""

    features: Features
    positive: bool
    weight: float
    fold: int
    """Of its prompt, below INNER."""


@dataclass(frozen=True, slots=True)
class Strength:
    """What cross-validation chooses."""

    inverse: float
    """Logistic regression's C."""
    rule: float
    """How much one rule counts where all n-grams together count two."""


GRID = tuple(Strength(*each) for each in product((1.5, 5.0), (0.2, 0.3, 0.4)))


def fit(examples: Sequence[Example], grid: Sequence[Strength] = GRID) -> tuple[Linear, Strength]:
    """The classifier and what was chosen for it."""
    matrix, names = _matrix([example.features for example in examples])
    tried = [(_held_out(matrix, names, examples, strength), strength) for strength in grid]
    margins, best = min(tried, key=lambda each: _loss(each[0], examples))
    scale = _calibrated(margins, examples)
    return _linear(_fitted(matrix, names, examples, best), names, scale), best


def balanced(
    keys: Sequence[tuple[str, str, bool]], shares: Mapping[str, float] = MappingProxyType({})
) -> list[float]:
    """Weights for (source, model, label), with mean 1.

    Each source counts alike, or as `shares` says, in it each model, and of a model each label.
    """
    rows = Counter(keys)
    labels = Counter(key[:2] for key in rows)
    models = Counter(source for source, _ in labels)
    raw = [shares.get(key[0], 1.0) / (models[key[0]] * labels[key[:2]] * rows[key]) for key in keys]
    return [each * len(keys) / sum(raw) for each in raw]


def _matrix(every: Sequence[Features]) -> tuple[csr_matrix, Sequence[tuple[str, str]]]:
    """A row for each text, a column for each (group, name); n-grams divided as `Linear` divides them."""
    columns: dict[tuple[str, str], int] = {}
    rows, places, values = [], [], []
    for at, features in enumerate(every):
        for group, name, value in _entries(features):
            rows.append(at)
            places.append(columns.setdefault((group, name), len(columns)))
            values.append(value)
    return csr_matrix((values, (rows, places)), shape=(len(every), len(columns))), tuple(columns)


def _entries(features: Features) -> Iterator[tuple[str, str, float]]:
    for name in sorted(features.rules):
        yield "rules", name, 1.0
    for group, names in (("words", features.words), ("letters", features.letters)):
        value = 1 / sqrt(len(names) or 1)
        for name in sorted(names):
            yield group, name, value


def _scales(matrix: csr_matrix, names: Sequence[tuple[str, str]], strength: Strength) -> np.ndarray[Any, Any]:
    """What each column is multiplied by: 0 for rare ones."""
    seen = np.asarray((matrix > 0).sum(axis=0)).ravel()
    rare = np.array([RARE[group] for group, _ in names])
    scale = np.array([strength.rule if group == "rules" else NGRAM for group, _ in names])
    return np.where(seen >= rare, scale, 0.0)


def _fitted(
    matrix: csr_matrix, names: Sequence[tuple[str, str]], examples: Sequence[Example], strength: Strength
) -> tuple[np.ndarray[Any, Any], float]:
    """Weights and bias, in units of the unscaled matrix."""
    scales = _scales(matrix, names, strength)
    used = np.flatnonzero(scales)
    model = LogisticRegression(C=strength.inverse, solver="liblinear", tol=1e-6, max_iter=1_000)
    scaled = csr_matrix(matrix[:, used].multiply(scales[used]))
    model.fit(scaled, [each.positive for each in examples], [each.weight for each in examples])
    weights = np.zeros(len(names))
    weights[used] = model.coef_[0] * scales[used]
    return weights, float(model.intercept_[0])


def _held_out(
    matrix: csr_matrix, names: Sequence[tuple[str, str]], examples: Sequence[Example], strength: Strength
) -> np.ndarray[Any, Any]:
    """Each row's log-odds by a classifier that saw none of the prompts in its fold."""
    folds = np.array([example.fold for example in examples])
    margins = np.zeros(len(examples))
    for fold in range(INNER):
        out, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        weights, bias = _fitted(
            matrix[rest], names, [example for example in examples if example.fold != fold], strength
        )
        margins[out] = matrix[out] @ weights + bias
    return margins


def _loss(margins: np.ndarray[Any, Any], examples: Sequence[Example]) -> float:
    chances = 1 / (1 + np.exp(-margins))
    labels, weights = [each.positive for each in examples], [each.weight for each in examples]
    return float(log_loss(labels, chances, sample_weight=weights))


def _calibrated(margins: np.ndarray[Any, Any], examples: Sequence[Example]) -> tuple[float, float]:
    """Platt's scaling (1999): slope and offset that make held-out log-odds honest."""
    model = LogisticRegression(C=1e6, solver="liblinear", tol=1e-6, intercept_scaling=10)
    labels, weights = [each.positive for each in examples], [each.weight for each in examples]
    model.fit(margins[:, None], labels, weights)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _linear(
    fitted: tuple[np.ndarray[Any, Any], float],
    names: Sequence[tuple[str, str]],
    scale: tuple[float, float],
) -> Linear:
    weights, bias = fitted
    slope, offset = scale
    groups: dict[str, dict[str, float]] = {group: {} for group in GROUPS}
    for (group, name), weight in zip(names, weights * slope, strict=True):
        if rounded := round(float(weight), DIGITS):
            groups[group][name] = rounded
    return Linear(round(bias * slope + offset, DIGITS), **groups)
