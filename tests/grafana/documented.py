"""What docs/metrics.md says is exported; a test of its own holds it to the running program."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def exported() -> dict[str, set[str]]:
    """Every metric, as the documentation names it, with its labels."""
    rows = re.findall(
        r"^\| `(slipgauge_\w+)(?:\{([^}]*)\})?` \| \w+ \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE
    )
    return {name: {label for label in labels.split(",") if label} for name, labels in rows}
