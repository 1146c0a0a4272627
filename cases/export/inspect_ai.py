"""Inspect: samples, and the task that asks and judges them (https://inspect.aisi.org.uk/datasets.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from cases.export.files import CHECKS, carried, json_lines
from cases.export.item import Item, UnfitError


def files(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
    """The samples, the task, and the judge it imports."""
    return {
        "slipgauge_cases.jsonl": json_lines(rows),
        "slipgauge_task.py": carried("slipgauge_task.py"),
        CHECKS: carried(CHECKS),
    }


def row(item: Item) -> dict[str, Any]:
    """One case as a sample; raises UnfitError."""
    along = {
        "checks": item.checks,
        "parameters": item.parameters,
        "reference": item.reference,
        "case": item.metadata,
    }
    return {
        "id": item.id,
        "input": [_message(each) for each in item.messages],
        "target": item.gold or "",
        "metadata": along,
    }


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A chat message in Inspect's words, whose calls hold their arguments read."""
    if message["role"] not in ("system", "user", "assistant", "tool"):
        return {**message, "role": "system"}  # `developer`
    if "tool_calls" not in message:
        return dict(message)
    if not isinstance(message["tool_calls"], list):
        raise UnfitError("has a tool call in its history that cannot be read")
    return {**message, "tool_calls": [_call(call) for call in message["tool_calls"]]}


def _call(call: Any) -> dict[str, Any]:
    try:
        function = call["function"]
        arguments = orjson.loads(function["arguments"])
        return {"id": call["id"], "type": "function", "function": function["name"], "arguments": arguments}
    except (KeyError, TypeError, ValueError):
        raise UnfitError("has a tool call in its history that cannot be read") from None
