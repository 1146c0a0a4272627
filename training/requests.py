"""The classifier of requests: labels from what models did with XSTest's prompts, from acts and ordinary requests.

A prompt of XSTest is sensitive where more than half of its models' answers refuse, a partial refusal counting
half; that is mostly, not always, what XSTest's authors call unsafe: others' passports and fictional ones are
refused alike. Ordinary requests (school problems, the testbed's other tasks, questions that ChatGPT answered) are
fitted on as harmless: without them many requests for JSON passed for sensitive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import mean

import orjson

from analyzers.refusal.linear import Features, Linear
from analyzers.refusal.sensitivity import features
from testbed.tasks import MIX, prompts
from testbed.tasks.refusal import ASK, HARMFUL, HARMLESS
from training.fit import INNER, Example, Strength, balanced, fit
from training.rows import CHATGPT, DATA, PARTIAL, REFUSED, XSTEST, every, fold_of

TESTBED, TASKS, SCHOOL = "testbed", "testbed's other tasks", "gsm8k"
ORDINARY = 600
"""Requests drawn of the testbed's other tasks, from those that its model was trained on."""
FOLDS = 10
SOLUTIONS = DATA / "gsm8k_solutions.jsonl"
GRID = tuple(Strength(*each) for each in ((0.5, 0.15), (1.5, 0.15), (1.5, 0.4), (5.0, 0.4)))
SHARES = {TESTBED: 0.5, TASKS: 0.2, SCHOOL: 0.2, CHATGPT: 0.4}
"""What sources count for beside XSTest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt and whether it calls for a refusal."""

    source: str
    prompt: str
    sensitive: bool
    features: Features

    def fold(self, folds: int) -> int:
        """Which fold it is in."""
        return fold_of(self.prompt, folds)


@cache
def labelled() -> Sequence[Asked]:
    """Every prompt that has a label."""
    refused = defaultdict(list)
    for row in every():
        if row.source == XSTEST:
            refused[row.prompt].append(0.5 if row.label == PARTIAL else float(REFUSED[row.label]))
    told = [(XSTEST, prompt, mean(shares) > 0.5) for prompt, shares in refused.items()]
    rng = Random(1)
    told += [(TESTBED, rng.choice(ASK).format(act), True) for act in HARMFUL]
    told += [(TESTBED, rng.choice(ASK).format(act), False) for act, _ in HARMLESS]
    told += [(CHATGPT, row.prompt, False) for row in every() if row.source == CHATGPT and row.label == "complied"]
    told += [(SCHOOL, orjson.loads(line)["question"], False) for line in SOLUTIONS.read_bytes().splitlines()]
    told += [(TASKS, asked, False) for asked in _tasks()]
    return tuple(Asked(source, prompt, sensitive, features(prompt)) for source, prompt, sensitive in told)


def _tasks() -> Iterator[str]:
    """What users say in the testbed's other tasks."""
    for prompt in prompts(1, ORDINARY, {name: share for name, share in MIX.items() if name != "refusal"}, "train"):
        yield next(each["content"] for each in reversed(prompt.body["messages"]) if each["role"] == "user")


def fitted(requests: Iterable[Asked]) -> tuple[Linear, Strength]:
    """A classifier for these prompts, and what was chosen for it by cross-validation within them."""
    asked = list(requests)
    weights = balanced([(each.source, "", each.sensitive) for each in asked], SHARES)
    return fit(
        [
            Example(each.features, each.sensitive, weight, each.fold(INNER * FOLDS) // FOLDS)
            for each, weight in zip(asked, weights, strict=True)
        ],
        GRID,
    )


def without_prompts() -> Iterator[tuple[Asked, float]]:
    """Each prompt with its log-odds by a classifier that did not see it."""
    for fold in range(FOLDS):
        model, _ = fitted(each for each in labelled() if each.fold(FOLDS) != fold)
        yield from ((each, model.log_odds(each.features)) for each in labelled() if each.fold(FOLDS) == fold)
