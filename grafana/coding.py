"""States as numbers, since a panel's value is one; mappings show them as their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafana.promql import own

VERDICTS = {"no_data": 0, "inconclusive": 1, "pass": 2, "fail": 3}
STAGES = {"shadow": 0, "canary": 1, "promoted": 2, "rolled_back": 3}
COLOURS = {
    "no_data": "#6e7681",
    "inconclusive": "#d29922",
    "pass": "#2da44e",
    "fail": "#cf222e",
    "shadow": "#6e7681",
    "canary": "#2f6feb",
    "promoted": "#2da44e",
    "rolled_back": "#cf222e",
}


def coded(metric: str, label: str, codes: Mapping[str, int], by: str = "") -> str:
    """The number of the state whose series is 1."""
    grouped = f" by ({by})" if by else ""
    series = {code: own(metric, f'{label}="{state}"') for state, code in codes.items()}
    return " + ".join(f"max{grouped} ({selector}) * {code}" for code, selector in series.items() if code)


def named(codes: Mapping[str, int]) -> tuple[dict[str, Any], ...]:
    """The mapping that shows each number as its state, in its colour."""
    options = {
        str(code): {"text": state.replace("_", " "), "color": COLOURS[state], "index": code}
        for state, code in codes.items()
    }
    return ({"type": "value", "options": options},)


def worded(
    no: str, yes: str, *, yes_colour: str = "#cf222e", no_colour: str = "#2da44e"
) -> tuple[dict[str, Any], ...]:
    """The mapping of 0 and 1 to words."""
    shown = {"0": {"text": no, "color": no_colour, "index": 0}, "1": {"text": yes, "color": yes_colour, "index": 1}}
    return ({"type": "value", "options": shown},)
