"""What came out, for programs and for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.doctor.checks import Aspect, Result, overall


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "state": overall(results),
        "checks": [
            {
                "name": result.check.name,
                "state": result.state,
                "aspects": [_aspect(aspect) for aspect in result.aspects],
                "change": result.check.change if result.state == "unfair" else None,
            }
            for result in results
        ],
    }


def _aspect(aspect: Aspect) -> dict[str, Any]:
    return {"name": aspect.name, "values": [vars(value) for value in aspect.values]}


def as_text(results: Sequence[Result]) -> str:
    """All of it, for people."""
    lines = []
    for result in results:
        lines.append(f"{result.state:8} {result.check.name}")
        for aspect in result.aspects:
            lines.append(f"         {aspect.name}:")
            lines += [
                f"           {value.arm} {value.url}: {value.value if value.unseen is None else value.unseen}"
                for value in aspect.values
            ]
        if result.state == "unfair":
            lines.append(f"         change: {result.check.change}")
    counts = {state: sum(result.state == state for result in results) for state in ("ok", "unfair", "unknown")}
    lines.append(", ".join(f"{count} {state}" for state, count in counts.items()))
    return "\n".join(lines)
