"""Measures sections, and keeps what they found."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from verdict_report.sections import alert, broken, cost, coverage, false_alarms, peers, power, safe

SECTIONS: dict[str, ModuleType] = {
    "false_alarms": false_alarms,
    "broken": broken,
    "peers": peers,
    "power": power,
    "alert": alert,
    "safe": safe,
    "coverage": coverage,
    "cost": cost,
}
RESULTS = Path(__file__).parent / "results"


def measure(name: str) -> None:
    """Measure a section and keep what it found."""
    began = time.process_time()
    found = SECTIONS[name].measure()
    print(f"{name}: {time.process_time() - began:.0f} s of one core")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")


def results() -> dict[str, Any]:
    """What was found last, by section."""
    return {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in SECTIONS}
