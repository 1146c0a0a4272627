"""When each sampled request arrived, and which of them may still be told of: the gateway's low watermark.

Observations must be folded in the order in which their requests arrived, since short answers end first. Whoever
folds them waits, of every gateway process, for the moment up to which all has been told.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from time import monotonic_ns, time_ns


class Arrivals:
    """The sampled requests of one process, each from `enter` to `leave`.

    An arrival is a number of its own: nanoseconds since 1970 by a clock that only goes forward, so that those of
    other processes and of former ones can be compared with it.
    """

    __slots__ = ("_last", "_offset", "_open", "process")

    def __init__(self) -> None:
        self.process = os.urandom(6).hex()
        """This process's name."""
        self._offset = time_ns() - monotonic_ns()
        self._last = 0
        self._open: OrderedDict[int, None] = OrderedDict()

    def enter(self) -> int:
        """A request has arrived: its number, greater than all before."""
        self._last = arrival = max(self._last + 1, monotonic_ns() + self._offset)
        self._open[arrival] = None
        return arrival

    def leave(self, arrival: int) -> None:
        """All that will be told of this request has been."""
        self._open.pop(arrival, None)

    def low(self) -> int:
        """All requests that arrived before this have left."""
        for arrival in self._open:
            return arrival
        return max(self._last + 1, monotonic_ns() + self._offset)
