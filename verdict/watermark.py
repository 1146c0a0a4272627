"""Up to when all that was sampled has been told of, by every gateway process. Pure.

Each process says which is the oldest of its requests of which it may still tell. What arrived before all of these
can be folded: at once where nothing older is under way, and never later than `patience` after its arrival, since a
process may have gone without a word.
"""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000_000
ENDED = (1 << 63) - 1
"""The mark of a process that has ended: nothing more will come from it."""


class _Heard(NamedTuple):
    low: int
    at: int


class Watermark:
    """`patience` is in seconds, `now` in nanoseconds since 1970, as arrivals are."""

    def __init__(self, patience: float) -> None:
        self._patience = round(patience * SECOND)
        self._heard: dict[str, _Heard] = {}
        self._ended = False

    def hear(self, process: str, low: int, now: int) -> None:
        """A process has told of all that arrived there before `low`."""
        if low == ENDED:
            self._heard.pop(process, None)
            self._ended = True
        else:
            self._heard[process] = _Heard(low, now)

    def lows(self) -> dict[str, int]:
        """What each process said last."""
        return {process: heard.low for process, heard in self._heard.items()}

    def low(self, now: int) -> int:
        """All that arrived before this has been told of, or never will be."""
        longest = now - self._patience
        for process, heard in list(self._heard.items()):
            if heard.at < longest:
                del self._heard[process]
        lows = [heard.low for heard in self._heard.values()]
        if not lows:
            return ENDED if self._ended else longest
        return max(min(lows), longest)
