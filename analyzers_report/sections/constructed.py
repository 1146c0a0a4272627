"""Analyzers measured on cases made by construction, and on real answers that are taken to be good."""

from __future__ import annotations

from analyzers_report import assumed
from analyzers_report.cases import cells
from analyzers_report.made import SETS, cases
from analyzers_report.section import Section, paired


def section(name: str) -> Section:
    """Made cases first, then real answers by source."""
    analyzer = SETS[name][0]()
    made, real = list(cases(name)), list(assumed.cases(analyzer))
    counts = {f"by construction, {source}": each for source, each in cells(analyzer, made).items()}
    counts |= {f"real answers taken as good, {source}": each for source, each in cells(analyzer, real).items()}
    measured = "On cases made by construction (`analyzers_report/made/`)."
    return Section(analyzer, measured, counts, paired(made))
