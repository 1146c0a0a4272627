"""Accuracy of the answer rules on human labels: `python -m analyzers.refusal.measure FILE.jsonl`.

Each line has `source`, `model`, `response` and `label`: XSTest's 1_full_compliance and 2_full_refusal, chatgpt-
refusals' complied and rejected. Other labels are left out. A refusal is what `answers.classify` calls full.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from analyzers.refusal.answers import Refusal, classify

REFUSED = {"2_full_refusal": True, "rejected": True, "1_full_compliance": False, "complied": False}


def measure(rows: Iterable[Mapping[str, Any]]) -> dict[str, Counter[tuple[bool, bool]]]:
    """Counts of (human says refused, rules say refused) by "source/model" and by source."""
    counts: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for row in rows:
        if row["label"] in REFUSED:
            cell = (REFUSED[row["label"]], classify(row["response"]) is Refusal.FULL)
            counts[row["source"]][cell] += 1
            counts[f"{row['source']}/{row['model']}"][cell] += 1
    return dict(sorted(counts.items()))


def accuracy(cells: Counter[tuple[bool, bool]]) -> float:
    """The share of rows on which rules and humans agree."""
    return (cells[True, True] + cells[False, False]) / cells.total()


def line(name: str, cells: Counter[tuple[bool, bool]]) -> str:
    """One printed row: n, accuracy, sensitivity, specificity."""
    sensitivity = cells[True, True] / max(1, cells[True, True] + cells[True, False])
    specificity = cells[False, False] / max(1, cells[False, False] + cells[False, True])
    figures = f"{accuracy(cells):9.1%} {sensitivity:12.1%} {specificity:12.1%}"
    return f"{name:28} {cells.total():5} {figures}"


def main() -> None:
    """Print the table."""
    rows = map(orjson.loads, Path(sys.argv[1]).read_bytes().splitlines())
    print(f"{'':28} {'n':>5} {'accuracy':>9} {'sensitivity':>12} {'specificity':>12}")  # noqa: T201
    for name, cells in measure(rows).items():
        print(line(name, cells))  # noqa: T201


if __name__ == "__main__":
    main()
