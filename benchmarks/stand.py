"""The test stand: the mock servers, the peers before them, and one run of load through one of them."""

from __future__ import annotations

import json
import subprocess
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


class Stand:
    """Made by `standing`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.baseline, self.candidate = free_ports(2)
        command = [sys.executable, "-m", "benchmarks.upstream", str(self.baseline), str(self.candidate)]
        self._upstream = Process(command, self.candidate, folder / "upstream.log")
        stack.callback(self._upstream.stop)

    def peer(self, kind: Callable[[Path, int, int, float], AnyPeer], share: float) -> AnyPeer:
        """Start a peer that lasts as long as the stand."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        peer = kind(folder, self.baseline, self.candidate, share)
        self._stack.callback(peer.stop)
        return peer

    def modes(self, **modes: str) -> dict[str, dict[str, int]]:
        """Set how the servers answer, and read their counts."""
        counts: dict[str, dict[str, int]] = json.loads(self._upstream.ask(json.dumps(modes)))
        return counts

    def run(self, peer: Peer, plan: Plan) -> Outcome:
        """Send load through a peer, and account for it."""
        states = peer.ledger()
        before = self.modes()["candidate"]["requests"]
        cpu = peer.cpu_seconds()
        seen = load(replace(plan, port=peer.port))
        mirrored = self._quiet() - before
        cpu = peer.cpu_seconds() - cpu
        resident = peer.resident_bytes()
        now = peer.ledger()
        became = {state: now[state] - states[state] for state in now}
        return Outcome(seen, plan.count, cpu, mirrored, became, resident)

    def _quiet(self) -> int:
        """Wait until the candidate is asked nothing more and gives no more answers; what it was asked in all."""
        end = time.monotonic() + SETTLE_TIMEOUT
        last = self.modes()["candidate"]
        while time.monotonic() < end:
            time.sleep(0.05)
            counts = self.modes()["candidate"]
            if counts == last:
                break
            last = counts
        return last["requests"]


@contextmanager
def standing() -> Iterator[Stand]:
    """A stand in a temporary folder; everything it started has ended when it is left."""
    with tempfile.TemporaryDirectory(prefix="slipgauge-bench-") as folder, ExitStack() as stack:
        yield Stand(Path(folder), stack)


def load(plan: Plan) -> Seen:
    """Run the load generator."""
    command = [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(plan))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the load generator failed:\n{done.stderr[-2000:]}")
    return Seen(**json.loads(done.stdout))
