"""What is assumed of traffic and servers, since no measurement here can tell it, and what was measured."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MEASURED: dict[str, Any] = json.loads((Path(__file__).parent / "rates.json").read_text())
SEED = 100_000


def rate(name: str) -> float:
    """A measured rate."""
    return float(MEASURED["rates"][name]["value"])


@dataclass(frozen=True)
class Traffic:
    """The clients' requests and the servers that answer them."""

    requests: float = 100_000.0
    """A second, over the whole fleet, by a Poisson process."""
    prompt_median: float = 600.0
    prompt_sigma: float = 1.0
    """Tokens of a prompt: lognormal, at most `prompt_most`."""
    prompt_most: float = 16_000.0
    answer_median: float = 180.0
    answer_sigma: float = 0.8
    """Tokens of an answer, streamed one event each: lognormal, at most `answer_most`."""
    answer_most: float = 2_000.0
    prefill: float = 20_000.0
    """Tokens a second that a server reads of one prompt."""
    token_seconds: float = 0.02
    """Between two tokens of an answer."""
    turns: float = 3.0
    """Requests of a session, on average."""
    findings: float = 5.0
    """Findings of a pair: variables that apply to a usual request."""


@dataclass(frozen=True)
class Plan:
    """How Slipgauge is set up for it; what is not here is as in config.yaml."""

    utilisation: float = 0.5
    """Of a gateway process's core, on average, so that bursts and lost hosts find room."""
    sample: float = 0.05
    repeat: float = 0.05
    tokens_per_second: float = 10_000.0
    """An arm's budget of extra tokens, for each gateway process."""
    in_flight: int = 64
    start_after: float = 0.25
    deadline: float = 120.0
    queue_pairs: int = 1_000
    analyzers: int = 1
    """Analyzer processes of a gateway process."""
    busy: float = 0.0
    """Share of time in which a candidate's server says that it is busy, so that nothing is mirrored to it."""
    busy_seconds: float = 5.0
    """How long it says so at a time, on average."""
    beat: float = 0.1
    """Seconds for which a gateway gathers reports into one message."""
    window: int = 10_000
    """Most reports of a gateway that are not known to be stored."""
    transit: float = 0.005
    """Seconds from a gateway's message to control, stored on the way."""


TRAFFIC = Traffic()
PLAN = Plan()


def stated() -> dict[str, Any]:
    """All of it, to be kept beside what was simulated."""
    return {
        "traffic": asdict(TRAFFIC),
        "plan": asdict(PLAN),
        "rates": {name: rate(name) for name in MEASURED["rates"]},
    }
