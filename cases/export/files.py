"""What the formats share: rows of JSON, and files that go along as they stand."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import orjson

CHECKS = "slipgauge_checks.py"
"""The judge's name beside an export."""


def json_lines(rows: Iterable[Any]) -> bytes:
    """Each row as one line of JSON."""
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def carried(name: str) -> bytes:
    """A file that goes along."""
    return (files("cases.export.carried") / name).read_bytes()
