from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from proxy.verdict_table import render

ROW = {
    "name": "refusal.gained",
    "state": "inconclusive",
    "sessions": 103_902,
    "baseline_rate": 0.411,
    "candidate_rate": 0.412,
    "slip": 0.101,
    "lower": -0.111,
    "upper": 0.312,
    "e_value": 2.2,
    "threshold": 800.0,
    "safe_e_value": 3.1,
    "safe_threshold": 20.0,
    "reason": "neither harmful nor safe [yet]",
    "forecast": 1_250,
}
FAILED = ROW | {
    "name": "json.invalid",
    "state": "fail",
    "e_value": 1e9,
    "reason": "it has failed",
    "forecast": None,
}
BARE = ROW | dict.fromkeys(("slip", "lower", "upper", "e_value", "baseline_rate", "candidate_rate"))
STAGE: dict[str, Any] = {
    "stage": "rolled_back",
    "candidate_weight": 0.5,
    "candidate_revision": "int4-2026-11",
    "held": None,
    "reason": "json.invalid: it has failed",
    "guard": "the baseline has no healthy server",
    "waiting": [],
    "breakers_open": 2,
    "store": {"problem": "the disk is full"},
}


def shown(width: int, *rows: dict[str, Any], **stage: Any) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(render({"verdict": "fail", "guardrails": rows}, STAGE | stage, width))
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_every_number_of_a_guardrail_fits(width: int) -> None:
    lines = shown(width, ROW, FAILED, BARE)
    text = " ".join(" ".join(lines).split())

    assert max(map(len, lines)) <= width
    assert "…" not in text
    assert "refusal.gained inconclusive 103,902 41.1 → 41.2 +10.1 [-11.1, +31.2] ░░░░|█░░░" in text
    assert "json.invalid fail 103,902 41.1 → 41.2 +10.1 [-11.1, +31.2] ████|█░░░" in text
    assert "neither harmful nor safe [yet]; about 1,250 sessions more" in text


def test_what_an_operator_must_know_stands_below() -> None:
    text = "\n".join(shown(80, ROW))

    assert "rolled back: json.invalid: it has failed" in text
    assert "traffic: the baseline has no healthy server" in text
    assert "store: the disk is full" in text
    assert "breakers open: 2" in text
    waiting = shown(80, ROW, reason=None, waiting=["12 of at least 300 sessions in this step"])
    assert "waits: 12 of at least 300 sessions in this step" in waiting
