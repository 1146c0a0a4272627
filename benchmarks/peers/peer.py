"""What the bench needs of a peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.process import Process, cpu_seconds, resident_bytes

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
        """Wait until nothing of the last run is left to do."""

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
