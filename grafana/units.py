"""The units that panels show, under Grafana's names (its `valueFormats`), with the values that each can have."""

from __future__ import annotations

from math import inf
from typing import NamedTuple


class Unit(NamedTuple):
    """Grafana's name of a unit, and the least and the most that a quantity in it can be."""

    name: str
    low: float = 0.0
    high: float = inf
    decimals: int | None = None


SHARE = Unit("percentunit", 0.0, 1.0)
"""A part of a whole."""
DIFFERENCE = Unit("percentunit", -1.0, 1.0)
"""A share less a share."""
PORTION = Unit("percentunit", -inf, inf)
"""How much of something else a quantity is, which may be more than all of it."""
SECONDS = Unit("s")
BYTES = Unit("bytes")
COUNT = Unit("short", decimals=0)
PER_SECOND = Unit("reqps")
TOKENS_PER_SECOND = Unit("suffix: tok/s")
EVENTS_PER_SECOND = Unit("suffix:/s")
FIGURE = Unit("none", -inf, inf)
"""What has no unit, and may be negative."""
CODE = Unit("none", 0.0, 3.0, 0)
"""A state as a number, which a mapping shows as its name."""
YES_NO = Unit("none", 0.0, 1.0, 0)
