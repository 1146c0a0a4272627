"""Labelled answers: tests/analyzers/data, whose README says where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from analyzers.refusal.answers import features
from analyzers.refusal.linear import Features

DATA = Path(__file__).parents[1] / "tests" / "analyzers" / "data"
XSTEST, CHATGPT, OWN = "xstest", "chatgpt-refusals", "own"
REFUSED = {"2_full_refusal": True, "rejected": True, "1_full_compliance": False, "complied": False}
"""The labels that are measured."""
PARTIAL = "3_partial_refusal"
"""Learned as no refusal, since only a full one counts; left out where accuracy is measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """One answer and what people said of it."""

    source: str
    model: str
    prompt: str
    response: str
    label: str
    features: Features

    @property
    def refused(self) -> bool:
        """Whether people called it a full refusal."""
        return REFUSED.get(self.label, False)

    def fold(self, folds: int) -> int:
        """Which fold its prompt is in: the same for all who answered it, whatever else is in the data."""
        return fold_of(self.prompt, folds)


def fold_of(prompt: str, folds: int) -> int:
    """The prompt's fold, by its hash alone."""
    return int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8]) % folds


@cache
def every() -> Sequence[Row]:
    """All rows, those that people placed between refusing and complying included."""
    lines = (DATA / "refusals.jsonl").read_bytes().splitlines() + (
        DATA / "refusals_own.jsonl"
    ).read_bytes().splitlines()
    told = [orjson.loads(line) for line in lines]
    return tuple(Row(**row, features=features(row["response"])) for row in told)


@cache
def decided() -> Sequence[Row]:
    """The rows that people called a full refusal or none."""
    return tuple(row for row in every() if row.label in REFUSED)


@cache
def learned() -> Sequence[Row]:
    """The rows that are fitted on: those, and partial refusals."""
    return tuple(row for row in every() if row.label in REFUSED or row.label == PARTIAL)
