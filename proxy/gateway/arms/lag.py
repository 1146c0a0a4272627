"""Sheds mirrors while the event loop is late. Pure.

A late loop makes clients wait; the mirror is what the gateway can do without. One late sample is enough to
shed, and many on-time ones are needed to stop, so that the load which the shedding removes does not come and go
with it.
"""

from __future__ import annotations

ON_TIME = 10
"""Samples in a row, each at most half as late as the limit, after which mirrors start again."""


class LagBreaker:
    """Told how late each look at the clock came; `limit` is in seconds. `shed` says whether to mirror nothing."""

    __slots__ = ("_on_time", "limit", "shed")

    def __init__(self, limit: float) -> None:
        self.shed = False
        self.limit = limit
        self._on_time = 0

    def observe(self, lateness: float) -> None:
        """One sample, in seconds."""
        if lateness > self.limit:
            self.shed = True
            self._on_time = 0
        elif self.shed:
            self._on_time = self._on_time + 1 if lateness <= self.limit / 2 else 0
            self.shed = self._on_time < ON_TIME
