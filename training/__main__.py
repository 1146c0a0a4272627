"""Fits the refusal classifiers: `python -m training [--check]`.

`--check` writes nothing and ends with 1 where a weight differs from the files' by more than 0.01.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analyzers.refusal import answers, sensitivity
from analyzers.refusal.linear import Linear, dump, load
from training import requests
from training.answers import fitted
from training.rows import learned

CLOSE = 0.01
"""Weights of other builds of the same packages agree to this; most are between 0.01 and 10."""


def main() -> None:
    """Fit, then write or compare."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    check = parser.parse_args().check
    made = {answers.MODEL: fitted(learned()), sensitivity.MODEL: requests.fitted(requests.labelled())}
    for path, (model, strength) in made.items():
        print(f"{path.name}: {strength}")
        if not check:
            path.write_bytes(dump(model))
    if check:
        sys.exit(any(not same(path, model) for path, (model, _) in made.items()))


def same(path: Path, model: Linear) -> bool:
    """Whether the file holds this classifier, but for what a machine rounds otherwise."""
    return distance(load(path), model) <= CLOSE


def distance(one: Linear, other: Linear) -> float:
    """The largest difference of two classifiers in any weight."""
    apart = [abs(one.bias - other.bias)]
    for left, right in zip(
        (one.rules, one.words, one.letters), (other.rules, other.words, other.letters), strict=True
    ):
        apart += [abs(left.get(name, 0.0) - right.get(name, 0.0)) for name in {*left, *right}]
    return max(apart)


if __name__ == "__main__":
    main()
