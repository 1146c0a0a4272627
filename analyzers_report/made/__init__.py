"""Cases made by construction: an answer known to be good, and the same with one known defect put in.

They show that an analyzer finds each kind of defect that it says it finds, and that it leaves good answers of many
forms alone. They do not show how often such defects occur, nor what real models do that nobody thought of: a rate
on made defects is an upper bound of the rate on real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from analyzers.code import Code
from analyzers.degeneration import Degeneration
from analyzers.finding import PerAnswer
from analyzers.json_answer import JsonAnswer
from analyzers.language import Language
from analyzers.tools import Tools
from analyzers_report.cases import Case
from analyzers_report.made import code, degeneration, json_answers, language, tools

SEED = 2026
COUNT = 4_000
"""Cases of each set."""

SETS: Mapping[str, tuple[type[PerAnswer], Callable[[Random], Case]]] = {
    "json": (JsonAnswer, json_answers.case),
    "tools": (Tools, tools.case),
    "degeneration": (Degeneration, degeneration.case),
    "language": (Language, language.case),
    "code": (Code, code.case),
}
"""By the analyzer's name."""


def cases(name: str, count: int = COUNT) -> Iterator[Case]:
    """The cases of one set, the same each time."""
    rng = Random(f"{SEED} {name}")
    for _ in range(count):
        yield SETS[name][1](rng)
