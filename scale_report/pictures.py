"""The pictures of docs/scale.md, from what was simulated."""

from __future__ import annotations

from typing import Any

from verdict_report.draw import Axis, Line, chart

MIDDLES = (200.0, 450.0, 850.0, 1_700.0, 3_800.0)
"""Where each bin of prompts is drawn."""


def pictures(found: dict[str, Any]) -> dict[str, str]:
    """Each picture's text, by its file's name."""
    return {"scale-coverage.svg": _coverage(found), "scale-waits.svg": _waits(found)}


def coverage(fleet: dict[str, Any]) -> list[float]:
    """The share of sampled requests that end as scored pairs, by the prompt's bin."""
    totals = [sum(counts) for counts in zip(*fleet["states"].values(), strict=True)]
    return [scored / total for scored, total in zip(fleet["states"]["scored"], totals, strict=True)]


def name(fleet: dict[str, Any]) -> str:
    """What a simulated fleet is called."""
    busy = f", busy {100 * fleet['busy']:.0f} %" if fleet["busy"] else ""
    return f"{100 * fleet['sample']:.3g} %{busy}"


def _coverage(found: dict[str, Any]) -> str:
    shown = [fleet for fleet in found["fleets"] if fleet["sample"] >= 0.05]
    return chart(
        "Coverage by the length of the prompt",
        "The share of sampled requests that end as scored pairs, by the length of their prompts.",
        (
            Axis(
                "tokens of the prompt",
                150,
                5_000,
                (200, 500, 1_000, 2_000, 4_000),
                lambda v: f"{v:,.0f}",
                logarithmic=True,
            ),
            Axis("scored, of what was sampled", 0, 1, (0, 0.25, 0.5, 0.75, 1), lambda v: f"{100 * v:g} %"),
        ),
        [
            Line(name(fleet), list(zip(MIDDLES, coverage(fleet), strict=True)), colour)
            for colour, fleet in enumerate(shown)
        ],
    )


def _waits(found: dict[str, Any]) -> str:
    def line(words: str, place: int) -> Line:
        return Line(words, [(each["load"], each["wait_us"][place] / 1e3) for each in found["loop"]], place)

    return chart(
        "How long an event waits at a gateway's loop",
        "Median, 99th and 99.9th percentile of the wait, by the load of the gateway's core.",
        (
            Axis("load of the gateway's core", 0.3, 1, (0.3, 0.5, 0.7, 0.9), lambda v: f"{100 * v:g} %"),
            Axis("milliseconds", 0.001, 10, (0.001, 0.01, 0.1, 1, 10), lambda v: f"{v:g}", logarithmic=True),
        ),
        [line("median", 0), line("p99", 1), line("p99.9", 2)],
    )
