"""Writes docs/analyzers.md: `python -m analyzers_report [--check] [ANALYZER ...]`.

Without names every section is measured anew; with names only those, and the others stay as they are. `--check`
writes nothing and ends with 1 where a figure other than a time differs.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from analyzers_report.section import replaced, untimed
from analyzers_report.sections import SECTIONS

PAGE = Path(__file__).parents[1] / "docs" / "analyzers.md"
HEAD = """\
# How far the analyzers can be trusted

Written by `make analyzers-report`; do not edit. For each analyzer: how often it is right on labelled answers, what
it costs, and what it cannot tell.

- **Sensitivity**: of the answers that had failed, the share that the analyzer calls failed. **Specificity**: of the
  good ones, the share that it does not. **Precision**: of those that it calls failed, the share that had; it
  depends on how common failures are among the cases, rarer in traffic. In brackets Wilson's 95 % interval.
- An error that hits both arms alike shrinks a slip by (sensitivity + specificity − 1) and cannot make equal arms
  look unequal. One that depends on which model answers can, so rates are given by model where labels allow it.
- Where something was fitted, it was measured on prompts and models that it was not fitted on; the section says how.
- Cases "by construction" are a good answer and the same with one known defect put in. They show that each kind of
  defect is found, not how often real models do what nobody thought of.
"""


def main() -> None:
    """Measure, then write or compare."""
    parser = argparse.ArgumentParser(prog="python -m analyzers_report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the page instead of writing it")
    parser.add_argument("analyzer", nargs="*", help=f"of {', '.join(SECTIONS)} (default all)")
    wanted = parser.parse_args()
    if unknown := set(wanted.analyzer) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    names = wanted.analyzer or list(SECTIONS)
    old = PAGE.read_text() if PAGE.exists() else ""
    new = replaced(old, HEAD, {name: str(SECTIONS[name]()) for name in names}, SECTIONS)
    if not wanted.check:
        PAGE.write_text(new)
        return
    differing = list(difflib.unified_diff(untimed(old).splitlines(), untimed(new).splitlines(), "page", "measured"))
    print(*differing, sep="\n")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
