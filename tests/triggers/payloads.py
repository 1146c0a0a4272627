"""Recorded payloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parent / "recorded"


def payload(name: str, **changes: Any) -> dict[str, Any]:
    """A recorded payload, with these of its fields changed."""
    recorded: dict[str, Any] = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    return recorded | changes
