"""How often a wrong token is answered as one: a token bucket for each client and one for all, in bounded memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from proxy.address import network

EACH, EACH_SECONDS = 10, 6.0
"""Attempts that a client has, and seconds until one more."""
ALL, ALL_SECONDS = 100, 0.6
"""The same for all clients together."""
MOST = 4_096
"""Most clients of which it is known; the one not seen for longest is forgotten, and has all attempts again."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float

    def fill(self, now: float, most: int, seconds: float) -> float:
        self.left, self.at = min(most, self.left + (now - self.at) / seconds), now
        return self.left


class Attempts:
    """Counts failures, and nothing else: a right token never waits, whoever else tries wrong ones from its address.

    So what keeps a token from being guessed is its length. `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, _Bucket] = OrderedDict()
        self._all = _Bucket(ALL, clock())

    def wait(self, client: str | None, *, together: bool = True) -> float:
        """Seconds until this client may try again; 0 where it may now. `together`: whether that of all counts."""
        now, found = self._clock(), self._clients.get(network(client))
        own = 0.0 if found is None else max(0.0, 1 - found.fill(now, EACH, EACH_SECONDS)) * EACH_SECONDS
        every = max(0.0, 1 - self._all.fill(now, ALL, ALL_SECONDS)) * ALL_SECONDS
        return max(own, every if together else 0.0)

    def failed(self, client: str | None, *, together: bool = True) -> None:
        """Count a wrong token."""
        now, name = self._clock(), network(client)
        bucket = self._clients.setdefault(name, _Bucket(EACH, now))
        self._clients.move_to_end(name)
        bucket.fill(now, EACH, EACH_SECONDS)
        bucket.left = max(0.0, bucket.left - 1)
        if len(self._clients) > MOST:
            self._clients.popitem(last=False)
        if together:
            self._all.fill(now, ALL, ALL_SECONDS)
            self._all.left = max(0.0, self._all.left - 1)
