"""Counts of what redaction finds in texts whose private parts are known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from cases.redaction.spans import Found, find
from cases_report.generate import Text
from testbed.tasks import prompts

DATA = Path(__file__).parents[1] / "tests" / "analyzers" / "data"
PROMPTS = 3_000


@dataclass
class Tally:
    """Texts of one form, and of how many the value was found, whole or in part."""

    texts: int = 0
    whole: int = 0
    part: int = 0


@dataclass
class Counts:
    """Everything that was counted."""

    forms: dict[tuple[str, str], Tally] = field(default_factory=dict)
    """By kind and form, of private values."""
    alikes: dict[tuple[str, str], Tally] = field(default_factory=dict)
    """By kind and form, of look-alikes; `whole` counts those that something was found in."""


def counted(texts: Iterable[Text]) -> Counts:
    """What is found of these."""
    counts = Counts()
    for text in texts:
        found = find(text.text)
        inside = [one for one in found if one.start < text.end and one.end > text.start]
        tally = (counts.forms if text.private else counts.alikes).setdefault((text.kind, text.form), Tally())
        tally.texts += 1
        if not text.private:
            tally.whole += bool(inside)
            continue
        left = _left(text, inside)
        tally.whole += left == 0
        tally.part += 0 < left < 1
    return counts


def _left(text: Text, found: list[Found]) -> float:
    """The share of a value's letters and digits that stays."""
    gone = {place for one in found for place in range(one.start, one.end)}
    telling = [place for place in range(text.start, text.end) if text.text[place].isalnum()]
    return sum(place not in gone for place in telling) / len(telling)


def untouched() -> Iterator[tuple[str, int, Counter[str]]]:
    """Real texts: what they are, how many, and what was found in them, by kind."""
    for name, told in (
        ("GSM8K questions, solutions and four models' answers", _maths()),
        ("XSTest and ChatGPT-refusals prompts and answers", _chat()),
        ("the testbed's requests", (json.dumps(prompt.body) for prompt in prompts(3, PROMPTS))),
    ):
        number, found = count(), Counter[str]()
        for text in told:
            next(number)
            found.update(one.kind for one in find(text))
        yield name, next(number), found


def _maths() -> Iterator[str]:
    for row in _rows("gsm8k_solutions.jsonl"):
        yield row["question"]
        yield row["ground_truth"]
        yield from (each["solution"] for each in row["solutions"].values())


def _chat() -> Iterator[str]:
    for row in _rows("refusals.jsonl"):
        yield row["prompt"]
        yield row["response"]


def _rows(name: str) -> Iterator[Any]:
    with (DATA / name).open() as lines:
        yield from map(json.loads, lines)
