"""A linear classifier as plain numbers: read from JSON, so that nothing in the file can run.

The log-odds are a sum of weights: of each rule that holds, of each known run of words and of letters that is there,
the latter two divided by the square root of how many runs there are, so that long texts weigh no more than short
ones. `training` fits and calibrates it by scikit-learn's logistic regression; here is no more than the sum.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from math import fsum, sqrt
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Features:
    """What is there in a text, by name."""

    rules: Collection[str]
    words: Collection[str]
    letters: Collection[str]


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights in natural log-odds."""

    bias: float
    rules: Mapping[str, float]
    words: Mapping[str, float]
    letters: Mapping[str, float]

    def log_odds(self, features: Features) -> float:
        """Above 0 where it is more likely than not. The same whatever order sets are read in (fsum is exact)."""
        return fsum(
            (
                self.bias,
                fsum(self.rules.get(name, 0.0) for name in features.rules),
                _mean(self.words, features.words),
                _mean(self.letters, features.letters),
            )
        )


def _mean(weights: Mapping[str, float], names: Collection[str]) -> float:
    return fsum(filter(None, map(weights.get, names))) / sqrt(len(names) or 1)


@cache
def load(path: Path) -> Linear:
    """The classifier in a file. Raises OSError or ValueError where it is none."""
    told = orjson.loads(path.read_bytes())
    return Linear(told["bias"], told["rules"], told["words"], told["letters"])


def dump(model: Linear) -> bytes:
    """The file's bytes: a line for each weight, in the order of names, so that a change can be read."""
    told = {"bias": model.bias, "letters": model.letters, "rules": model.rules, "words": model.words}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
