"""`GET /verdict` and `GET /stage` as a person reads them. Pure: renderables for rich."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "no_data": "dim"}
CELLS = 8
"""Width of an evidence bar."""
WIDE = 110
"""Columns from which the reasons stand in the table."""


def render(verdict: Mapping[str, Any], stage: Mapping[str, Any], width: int) -> Group:
    """The stage, a row for each guardrail, and why, for a terminal `width` columns wide."""
    rows, wide = verdict["guardrails"], width >= WIDE
    table = Table(box=None, padding=(0, 2 if wide else 1, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("guardrail", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("sessions", justify="right", no_wrap=True)
    table.add_column("fail %", justify="right", no_wrap=True)
    table.add_column(Text("slip % [interval]"), justify="right", no_wrap=True)
    table.add_column("harm|safe", no_wrap=True)
    if wide:
        table.add_column("why")
    for row in rows:
        why = [Text(_why(row))] if wide else []
        table.add_row(
            row["name"],
            Text(row["state"], STYLES[row["state"]]),
            f"{row['sessions']:,}",
            f"{_share(row['baseline_rate'])} → {_share(row['candidate_rate'])}",
            _slip(row),
            _evidence(row),
            *why,
        )
    parts: list[Any] = [_headline(verdict, stage), "", table]
    if not wide:
        parts += ["", *(Text.assemble((row["name"], "bold"), f": {_why(row)}") for row in rows)]
    if notes := _notes(stage):
        parts += ["", *notes]
    return Group(*parts)


def _headline(verdict: Mapping[str, Any], stage: Mapping[str, Any]) -> Text:
    weight = f"{stage['candidate_weight']:.1%} of sessions"
    return Text.assemble(
        ("verdict ", "dim"),
        (verdict["verdict"], STYLES[verdict["verdict"]]),
        ("   stage ", "dim"),
        (stage["stage"], "bold"),
        (f", {weight}", ""),
        ("   revision ", "dim"),
        stage["candidate_revision"],
    )


def _notes(stage: Mapping[str, Any]) -> list[Any]:
    """What an operator must know of the stage beside its name."""
    notes = [(name, stage[key]) for name, key in (("held", "held"), ("rolled back", "reason")) if stage[key]]
    notes += [("traffic", stage["guard"])] if stage["guard"] else []
    notes += [("store", stage["store"]["problem"])] if stage["store"]["problem"] else []
    notes += [("breakers open", str(stage["breakers_open"]))] if stage["breakers_open"] else []
    told: list[Any] = [Text.assemble((name, "bold"), f": {words}") for name, words in notes]
    told += [Text(f"waits: {words}", "dim") for words in stage["waiting"]]
    return told


def _why(row: Mapping[str, Any]) -> str:
    more = row.get("forecast")
    forecast = f"; about {more:,} sessions more" if more else ""
    return f"{row.get('reason', '')}{forecast}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _slip(row: Mapping[str, Any]) -> str:
    if row["slip"] is None:
        return "-"
    if row["lower"] is None or row["upper"] is None:
        return f"{100 * row['slip']:+.1f}"
    return f"{100 * row['slip']:+.1f} [{100 * row['lower']:+.1f}, {100 * row['upper']:+.1f}]"


def _evidence(row: Mapping[str, Any]) -> Text:
    """How far harm has come to its bar, in red, and safe to its own, in green; on a scale of logarithms."""
    harm = _bar(row.get("e_value"), row.get("threshold"))
    safe = _bar(row.get("safe_e_value"), row.get("safe_threshold"))
    return Text.assemble((harm, "red"), ("|", "dim"), (safe, "green"))


def _bar(e_value: float | None, threshold: float | None) -> str:
    half = CELLS // 2
    if e_value is None or threshold is None:
        return " " * half
    part = log(max(e_value, 1.0)) / log(threshold) if threshold > 1 else 1.0
    full = min(half, int(part * half))
    return "█" * full + "░" * (half - full)
