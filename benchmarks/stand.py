"""The test stand: the mock servers, the peers before them, and one run of load through one of them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from benchmarks.load import Plan
from benchmarks.outcome import Outcome, Seen
from benchmarks.peers import Peer
from benchmarks.process import Process, free_ports

AnyPeer = TypeVar("AnyPeer", bound=Peer)
SETTLE_TIMEOUT = 10.0
QUIET = 0.1
"""Seconds without a request or an answer after which a run is over."""


class Server:
    """One mock model server, a process of its own; see `benchmarks.upstream`."""

    def __init__(self, folder: Path, name: str, *, nice: bool) -> None:
        [self.port] = free_ports(1)
        command = [sys.executable, "-m", "benchmarks.upstream", str(self.port)]
        self._process = Process(
            [*(("nice", "-n", "19") if nice else ()), *command], self.port, folder / f"{name}.log"
        )
        self.stop = self._process.stop

    def counts(self, mode: str = "") -> dict[str, int]:
        """What it has counted, after setting how it answers where a mode is given."""
        counts: dict[str, int] = json.loads(self._process.ask(mode))
        return counts

    def become(self, mode: str) -> None:
        """Answer so from now on."""
        self.counts(mode)


class Stand:
    """Made by `standing`."""

    def __init__(self, folder: Path, stack: ExitStack, *, apart: bool) -> None:
        self._folder = folder
        self._stack = stack
        self.baseline = Server(folder, "baseline", nice=False)
        stack.callback(self.baseline.stop)
        self.candidate = Server(folder, "candidate", nice=apart)
        stack.callback(self.candidate.stop)
        self._load = Process([sys.executable, "-m", "benchmarks.load"], None, folder / "load.log")
        stack.callback(self._load.stop)

    def peer(self, kind: Callable[[Path, int, int, float], AnyPeer], share: float) -> AnyPeer:
        """Start a peer that lasts as long as the stand."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        peer = kind(folder, self.baseline.port, self.candidate.port, share)
        self._stack.callback(peer.stop)
        return peer

    def load(self, plan: Plan) -> Seen:
        """Send load to the plan's port."""
        return Seen(**json.loads(self._load.ask(json.dumps(asdict(plan)))))

    def run(self, peer: Peer, plan: Plan) -> Outcome:
        """Send load through a peer, wait until nothing is left to do, and account for it."""
        states = peer.ledger()
        before = self.candidate.counts()["requests"]
        cpu = peer.cpu_seconds()
        seen = self.load(replace(plan, port=peer.port))
        peer.settle()
        mirrored = self._quiet() - before
        cpu = peer.cpu_seconds() - cpu
        resident = peer.resident_bytes()
        now = peer.ledger()
        became = {state: now[state] - states[state] for state in now}
        return Outcome(seen, plan.count, cpu, mirrored, became, resident)

    def _quiet(self) -> int:
        """Wait until the candidate is asked nothing more and gives no more answers; what it was asked in all."""
        end = time.monotonic() + SETTLE_TIMEOUT
        last = self.candidate.counts()
        while time.monotonic() < end:
            time.sleep(QUIET)
            counts = self.candidate.counts()
            if counts == last:
                break
            last = counts
        return last["requests"]


@contextmanager
def standing(*, apart: bool = False) -> Iterator[Stand]:
    """A stand in a temporary folder; everything it started has ended when it is left.

    `apart` has the candidate's server yield the processor to whoever a client waits for, as if it had a machine of
    its own: for what its answers do to the gateway, not what its work does to its neighbours.
    """
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"something else runs on this machine (load average {busy}): figures will mislead", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="slipgauge-bench-") as folder, ExitStack() as stack:
        yield Stand(Path(folder), stack, apart=apart)
