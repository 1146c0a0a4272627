"""Writes docs/scale.md and its pictures: `python -m scale_report [--check]`.

Everything is simulated anew, in about half a minute of one core, and kept in scale_report/results/. `--check`
simulates a few gateways again, writes nothing, and ends with 1 where they, the assumptions or the page are not as
kept.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scale_report.assumed import stated
from scale_report.measuring import checked, measure, results
from scale_report.page import page
from scale_report.pictures import pictures

DOCS = Path(__file__).parents[1] / "docs"


def files(found: dict[str, Any]) -> dict[Path, str]:
    """Every file of the report, as it should be."""
    return {DOCS / "scale.md": page(found)} | {DOCS / name: text for name, text in pictures(found).items()}


def faults() -> Iterator[str]:
    """What is not as it was simulated."""
    found = results()
    if found["stated"] != stated():
        yield "rates or assumptions have changed since the simulation: run make scale-report"
    elif found["checked"] != checked(found["gateways"]):
        yield "a few gateways, simulated again, end otherwise: run make scale-report"
    for path, text in files(found).items():
        if not path.exists() or path.read_text() != text:
            yield f"{path.name} is not what scale_report/results make of it: run make scale-report"


def main() -> None:
    """Simulate and write, or compare."""
    parser = argparse.ArgumentParser(prog="python -m scale_report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what was simulated instead")
    if parser.parse_args().check:
        found = list(faults())
        print(*found, sep="\n")
        sys.exit(bool(found))
    for path, text in files(measure()).items():
        path.write_text(text)


if __name__ == "__main__":
    main()
