"""How long to wait before a process that has ended is started again. Pure."""

from __future__ import annotations

STEADY = 10.0
"""A process that has lived this many seconds had started well: its end begins a new count."""
FIRST_PAUSE = 0.1
MAX_PAUSE = 10.0


class Backoff:
    """The pauses of one place for a process: none after the first loss, then doubling while losses go on."""

    def __init__(self) -> None:
        self._losses = 0

    def pause(self, lived: float) -> float:
        """Seconds to wait after a process that lived this many seconds."""
        self._losses = 1 if lived >= STEADY else self._losses + 1
        return 0.0 if self._losses == 1 else min(FIRST_PAUSE * 2.0 ** min(self._losses - 2, 16), MAX_PAUSE)
