"""Labelled cases and what an analyzer says of them, as counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analyzers.finding import PerAnswer
from analyzers.pair import Exchange, Request

OK = "ok"
Cells = Counter[tuple[bool, bool]]
"""How often (it had failed, the analyzer said so)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer whose label is known."""

    source: str
    request: Request
    answer: Exchange
    label: str = OK
    """OK, or what is wrong, in the analyzer's words."""


def cells(analyzer: PerAnswer, cases: Iterable[Case]) -> Mapping[str, Cells]:
    """Counts by source. Raises ValueError where a case is outside the analyzer's populations."""
    counts: dict[str, Cells] = defaultdict(Counter)
    for case in cases:
        counts[case.source][case.label != OK, said(analyzer, case) != OK] += 1
    return dict(counts)


def labels(analyzer: PerAnswer, cases: Iterable[Case]) -> Counter[tuple[str, str]]:
    """How often (this was wrong, the analyzer said that it was that)."""
    return Counter((case.label, said(analyzer, case)) for case in cases)


def said(analyzer: PerAnswer, case: Case) -> str:
    """The analyzer's label; OK wherever it does not call the answer failed."""
    if analyzer.variable(case.request) is None:
        raise ValueError(f"{analyzer.name} does not apply to a case of {case.source}")
    score = analyzer.failure(case.request, case.answer)
    return score.label if score.failed else OK
