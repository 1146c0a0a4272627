"""One analyzer's part of docs/analyzers.md, and the page they make."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analyzers.finding import Analyzer
from analyzers.pair import Pair
from analyzers_report.cases import Case, Cells
from analyzers_report.rates import precision, sensitivity, specificity, total
from analyzers_report.timing import TIMED, timed
from benchmarks.figures import table

_CANNOT = re.compile(r"^Cannot tell: (.+?)(?:\n\n|\Z)", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^## ", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """What was measured of one analyzer."""

    analyzer: Analyzer
    measured: str
    """What the cases are, where their labels come from, and what was left out when something was fitted."""
    counts: Mapping[str, Cells]
    """By source, or whatever the rows of the table are."""
    pairs: Sequence[Pair]
    """What is timed."""
    further: str = ""
    """Markdown after the table: what this analyzer alone has to show."""

    def __str__(self) -> str:
        parts = (
            f"## `{self.analyzer.name}`",
            self.measured,
            rates_table(self.counts) if self.counts else "",
            self.further,
            f"{TIMED} {timed(self.analyzer, self.pairs)}" if self.pairs else "",
            f"**Cannot tell:** {cannot_tell(self.analyzer)}",
        )
        return "\n\n".join(part for part in parts if part) + "\n"


def rates_table(counts: Mapping[str, Cells], what: str = "source", *, summed: bool = True) -> str:
    """A row for each source, and where there are several, and they are not of the same cases, one for all."""
    rows = dict(counts)
    if summed and len(rows) > 1:
        rows["**all**"] = total(list(counts.values()))
    lines = [
        (name, f"{each.total():,}", str(sensitivity(each)), str(specificity(each)), str(precision(each)))
        for name, each in rows.items()
    ]
    return table((what, "n", "sensitivity", "specificity", "precision"), lines)


def cannot_tell(analyzer: Analyzer) -> str:
    """The paragraph of the analyzer's module that says it. Raises ValueError where there is none."""
    module = importlib.import_module(type(analyzer).__module__)
    found = _CANNOT.search(inspect.getdoc(module) or "")
    if not found:
        raise ValueError(f"{module.__name__} has no paragraph 'Cannot tell: ...'")
    return " ".join(found[1].split())


def paired(cases: Sequence[Case]) -> tuple[Pair, ...]:
    """Pairs to time: each case's request and answer, and the next one's answer as the candidate's."""
    following = [*cases[1:], *cases[:1]]
    return tuple(
        Pair(f"pair-{number}", one.request, one.answer, other.answer)
        for number, (one, other) in enumerate(zip(cases, following, strict=True))
    )


def replaced(page: str, head: str, sections: Mapping[str, str], order: Iterable[str]) -> str:
    """The page with its head and these sections new; others stay as they are. Pure."""
    kept = {part.split("`")[1]: f"## {part.rstrip()}\n" for part in _SECTION.split(page)[1:]}
    every = {**kept, **sections}
    return "\n".join([head.rstrip() + "\n", *(every[name] for name in order if name in every)])


def untimed(page: str) -> str:
    """The page without what differs from run to run."""
    return "\n".join(line for line in page.splitlines() if not line.startswith(TIMED))
