"""Writes docs/redaction.md: `python -m cases_report [--check]`, which writes nothing and fails where it differs."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from cases_report.generate import texts
from cases_report.measure import counted, untouched
from cases_report.page import page

PAGE = Path(__file__).parents[1] / "docs" / "redaction.md"


def main() -> None:
    """Measure, then write or compare."""
    parser = argparse.ArgumentParser(prog="python -m cases_report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the page instead of writing it")
    wanted = parser.parse_args()
    old, new = PAGE.read_text() if PAGE.exists() else "", page(counted(texts()), untouched())
    if not wanted.check:
        PAGE.write_text(new)
        return
    differing = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "page", "measured", lineterm=""))
    print(*differing, sep="\n")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
