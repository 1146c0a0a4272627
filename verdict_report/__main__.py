"""Writes docs/verdict.md and its pictures: `python -m verdict_report [--check] [SECTION ...]`.

Without names every section is simulated anew, about six minutes of one core; with names only those. What was
measured is kept in verdict_report/results/. `--check` simulates nothing but a batch whose alarms are known, writes
nothing, and ends with 1 where that batch or the page differs from what was measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from verdict_report.measuring import SECTIONS, measure, results
from verdict_report.page import page, targets
from verdict_report.pictures import pictures
from verdict_report.sections import false_alarms

DOCS = Path(__file__).parents[1] / "docs"
CHECKED = "iid"
"""The scenario of which one batch is simulated again."""


def files() -> dict[Path, str]:
    """Every file of the report, as it should be."""
    found = results()
    return {DOCS / "verdict.md": page(found)} | {DOCS / name: text for name, text in pictures(found).items()}


def faults() -> Iterator[str]:
    """What is not as it was measured."""
    for path, text in files().items():
        if not path.exists() or path.read_text() != text:
            yield f"{path.name} is not what verdict_report/results make of it: run make verdict-report"
    expected = results()["false_alarms"][CHECKED]["first_batch"]
    if (alarms := int((false_alarms.stopped(CHECKED, 0) > 0).sum())) != expected:
        yield f"{CHECKED}: the first batch has {alarms} alarms, {expected} were measured"


def main() -> None:
    """Measure and write, or compare."""
    parser = argparse.ArgumentParser(prog="python -m verdict_report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what was measured instead")
    parser.add_argument("section", nargs="*", help=f"of {', '.join(SECTIONS)} (default all)")
    wanted = parser.parse_args()
    if unknown := set(wanted.section) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    if wanted.check:
        found = list(faults())
        print(*found, sep="\n")
        sys.exit(bool(found))
    for name in wanted.section or SECTIONS:
        measure(name)
    for path, text in files().items():
        path.write_text(text)
    print(*(f"missed: {each}" for each in targets(results()) if not each.met), sep="\n")


if __name__ == "__main__":
    main()
