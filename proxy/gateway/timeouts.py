"""Many timeouts of one length for the price of one timer: equal delays expire in the order in which they began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

import structlog

K = TypeVar("K", bound=Hashable)

_log = structlog.get_logger(__name__)


class Timeouts(Generic[K]):
    """Calls `expired(key)` once a key has stood for `delay` seconds. Adding costs a dictionary's work."""

    __slots__ = ("_delay", "_due", "_expired", "_timer")

    def __init__(self, delay: float, expired: Callable[[K], None]) -> None:
        self._delay = delay
        self._expired = expired
        self._due: dict[K, float] = {}  # in the order of adding, which is that of expiring
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: object) -> bool:
        return key in self._due

    def add(self, key: K) -> None:
        """Start a key's time, or start it anew."""
        due = self._due
        if key in due:
            del due[key]
        due[key] = monotonic() + self._delay
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay, self._tick)

    def change(self, delay: float) -> None:
        """From now on keys stand for `delay` seconds; those that stand already no longer than that from now."""
        self._delay = delay
        latest = monotonic() + delay  # nobody added later is due before it, so the order holds
        for key, due in self._due.items():
            self._due[key] = min(due, latest)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(0.0, self._tick)

    def discard(self, key: K) -> None:
        """Forget a key, where it is known."""
        self._due.pop(key, None)

    def close(self) -> None:
        """Forget every key."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        now = monotonic()
        overdue = []
        for key, due in self._due.items():
            if due > now:
                break
            overdue.append(key)
        for key in overdue:
            # An earlier one's end may have ended this one, too.
            if self._due.pop(key, now + 1.0) <= now:
                self._expire(key)
        if self._due and self._timer is None:
            first = next(iter(self._due.values()))
            delay = max(0.0, first - now)
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _expire(self, key: K) -> None:
        """Tell of one; a fault of the program in there must not stop the others."""
        try:
            self._expired(key)
        except Exception as error:
            _log.error("a timeout failed", error=type(error).__name__)
