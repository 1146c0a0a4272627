"""Real models' answers that people have read and labelled for something else, taken as good: false alarms.

XSTest's and chatgpt-refusals' answers to English prompts are taken to be English and in one piece, and so are
GSM8K's solutions. Some may not be (chatgpt-refusals has a label for incoherent ones, which are left out), so an
alarm is not always false: the specificity found is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from analyzers.finding import PerAnswer
from analyzers_report.cases import Case
from analyzers_report.made.said import asked, told

DATA = Path(__file__).parents[1] / "tests" / "analyzers" / "data"


def cases(analyzer: PerAnswer) -> Iterator[Case]:
    """Every answer to a request that the analyzer applies to."""
    for case in (*_refusals(), *_solutions()):
        if analyzer.variable(case.request) is not None:
            yield case


def _refusals() -> Iterator[Case]:
    for row in map(orjson.loads, (DATA / "refusals.jsonl").read_bytes().splitlines()):
        if row["label"] != "incoherent" and row["response"].strip():
            yield Case(row["source"], asked(row["prompt"]), told(row["response"]))


def _solutions() -> Iterator[Case]:
    for row in map(orjson.loads, (DATA / "gsm8k_solutions.jsonl").read_bytes().splitlines()):
        for solution in row["solutions"].values():
            yield Case("gsm8k", asked(row["question"]), told(solution["solution"]))
