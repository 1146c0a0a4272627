"""What the bench needs of a peer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.process import Process, children, cpu_seconds, resident_bytes

SETTLE_TIMEOUT = 30.0
REST = 0.2
"""Seconds with hardly any work after which a process has nothing left to do."""
Mirrored = Mapping[str, int]
"""What a peer itself says became of requests, by state."""


class Peer:
    """Started when it is made; `share` of the requests go to the candidate as well."""

    name = ""

    def __init__(self, process: Process | None, port: int) -> None:
        self.process = process
        self.port = port

    @property
    def pids(self) -> list[int]:
        """The processes that pass requests on."""
        return [] if self.process is None else [self.process.pid]

    def cpu_seconds(self) -> float:
        """CPU time that they have taken so far."""
        return sum(map(cpu_seconds, self.pids))

    def resident_bytes(self) -> int:
        """Memory they have in RAM."""
        return sum(map(resident_bytes, self.pids))

    def ledger(self) -> Mirrored:
        """What it says became of requests so far; empty where it keeps no account."""
        return {}

    def settle(self) -> None:
        """Wait until it rests: what it has yet to do, it or analyzers beside it, would cost whoever runs next.

        Its processors' clocks are watched, since asking it would cost it.
        """
        end = time.monotonic() + SETTLE_TIMEOUT
        processes = [*self.pids, *(child for pid in self.pids for child in children(pid))]
        spent = sum(map(cpu_seconds, processes))
        while processes and time.monotonic() < end:
            time.sleep(REST)
            before, spent = spent, sum(map(cpu_seconds, processes))
            if spent - before < REST / 20:
                break

    def stop(self) -> None:
        """End its process."""
        if self.process is not None:
            self.process.stop()


Kind = Callable[[Path, int, int, float], Peer]
"""Starts a peer: a folder of its own, the baseline's port, the candidate's, the share of requests to mirror."""


class Direct(Peer):
    """Nothing between client and baseline."""

    name = "direct"

    def __init__(self, folder: Path, baseline: int, candidate: int, share: float) -> None:
        super().__init__(None, baseline)
