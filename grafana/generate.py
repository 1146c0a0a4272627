"""Writes the boards, and the rules that are made like them: `python -m grafana.generate [--check]`.

`--check` writes nothing and ends with 1 where a file is not what the code makes of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

from grafana import burn
from grafana.boards import BOARDS

FOLDER = Path(__file__).parent / "dashboards"
DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = tuple(DEPLOY / "prometheus" / f"{name}.rules.yml" for name in ("slip", "burn", "pipeline", "actions"))
BURN = RULES[1]
OPERATOR = DEPLOY / "kubernetes" / "monitoring" / "rules.yaml"
HEAD = """\
# Written by `make boards` from the rules in deploy/prometheus, for Prometheus's operator; do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: slipgauge
  labels: {app.kubernetes.io/name: slipgauge}
spec:
  groups:
"""


def files() -> dict[Path, str]:
    """Every file that is made here, as it should be."""
    made = {
        FOLDER / f"{board.uid}.json": json.dumps(board.json(), indent=2, ensure_ascii=False) + "\n"
        for board in BOARDS
    }
    rules = {path: path.read_text() for path in RULES} | {BURN: burn.text()}
    return {**made, BURN: rules[BURN], OPERATOR: HEAD + "".join(map(_groups, rules.values()))}


def _groups(rules: str) -> str:
    """The groups of a file of rules, as far in as the operator's resource has them."""
    _, _, groups = rules.partition("\ngroups:\n")
    return indent(groups, "  ")


def faults() -> Iterator[str]:
    """What is not as the code makes it."""
    made = files()
    for path, text in made.items():
        if not path.exists() or path.read_text() != text:
            yield f"{path.name} is not what grafana/ makes of it: run make boards"
    for path in sorted(set(FOLDER.iterdir()) - made.keys()):
        yield f"{path.name} is no board of grafana/boards: remove it"


def main() -> None:
    """Write, or compare."""
    parser = argparse.ArgumentParser(prog="python -m grafana.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    if parser.parse_args().check:
        found = list(faults())
        print(*found, sep="\n")
        sys.exit(bool(found))
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
