"""Many timeouts of one length for the price of one timer: equal delays expire in the order in which they began."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Timeouts(Generic[K]):
    """Calls `expired(key)` once a key has stood for `delay` seconds. Adding costs a dictionary's work."""

    def __init__(self, delay: float, expired: Callable[[K], None]) -> None:
        self._delay = delay
        self._expired = expired
        self._due: OrderedDict[K, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: object) -> bool:
        return key in self._due

    def add(self, key: K) -> None:
        """Start a key's time, or start it anew."""
        self._due[key] = monotonic() + self._delay
        self._due.move_to_end(key)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay, self._tick)

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
        while self._due:
            key, due = next(iter(self._due.items()))
            if due > now:
                self._timer = asyncio.get_running_loop().call_later(due - now, self._tick)
                return
            del self._due[key]
            self._expired(key)
