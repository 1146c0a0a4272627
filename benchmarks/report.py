"""How every benchmark ends: figures beside their targets, a file for machines, an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.figures import Target
from benchmarks.machine import machine

RESULTS = Path("benchmarks/results")


def options(module: str, description: str | None) -> argparse.ArgumentParser:
    """The command line that all share."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small, to see that everything works")
    default = RESULTS / f"{module.rpartition('.')[2]}.json"
    parser.add_argument("--json", type=Path, default=default, help="where everything is written (%(default)s)")
    return parser


def finish(
    chosen: argparse.Namespace, figures: Mapping[str, Any], targets: Sequence[Target], faults: Sequence[str]
) -> NoReturn:
    """Print targets and faults, write the file, and end with 1 where a target is missed or something is wrong.

    The targets of a quick run are printed and not judged.
    """
    print(*targets, *faults, sep="\n")
    judged = [{**asdict(target), "met": target.met} for target in targets]
    result = {"machine": machine(), "quick": chosen.quick, **figures, "targets": judged, "faults": faults}
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(result, indent=1) + "\n")
    missed = not chosen.quick and not all(target.met for target in targets)
    sys.exit(1 if faults or missed else 0)
