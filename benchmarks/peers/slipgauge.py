"""Slipgauge as an operator runs it, everything on: ledger, metrics, capture, pairing, analyzer processes beside it.

Repeats are off, since no peer asks the baseline twice. What the analyzers cannot take is dropped by their
bounded queue, and counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml

from benchmarks.messages import MODEL
from benchmarks.peers.peer import Mirrored, Peer
from benchmarks.process import Process, free_ports

QUEUE = 100
"""Pairs that wait for the analyzers: few, so that little of a run's work is put off to after its end."""
FULL = ("pairs", "bytes")
"""Why the queue takes no pair."""
Changes = Mapping[str, Mapping[str, Any]]
_AMPLE = {"tokens_per_second": 1e12}
UNSPARED: Changes = {
    "gateway": {"shed_lag": 60.0},
    "candidate": {"ejection": {"failures": 1_000_000_000}, "health": {"every": 0.0}},
}
"""Nothing is left out because the candidate fails or the loop is late: a mirror that is not sent costs nothing."""


def config(ports: tuple[int, int], arms: tuple[int, int], share: float, changes: Changes | None = None) -> str:
    """A configuration file: our data and admin port, the baseline's and candidate's, the share to mirror.

    `changes` are laid over it, one key of a section at a time; `UNSPARED` where they are left out.
    """
    tree: dict[str, Any] = {
        "listen": f"127.0.0.1:{ports[0]}",
        "admin": {"listen": f"127.0.0.1:{ports[1]}"},
        "baseline": {"url": f"http://127.0.0.1:{arms[0]}", "extra": dict(_AMPLE)},
        "candidate": {"url": f"http://127.0.0.1:{arms[1]}", "extra": dict(_AMPLE)},
        "models": {MODEL: {}},
        "mirror": {"sample": share, "repeat": 0.0},
        "analysis": {"queue_pairs": QUEUE},
        "log": {"format": "json"},
    }
    for section, keys in (UNSPARED if changes is None else changes).items():
        tree[section] = {**tree.get(section, {}), **keys}
    return yaml.safe_dump(tree)


class Slipgauge(Peer):
    """`changes` as for `config`."""

    name = "slipgauge"

    def __init__(
        self, folder: Path, baseline: int, candidate: int, share: float, changes: Changes | None = None
    ) -> None:
        port, self.admin = free_ports(2)
        path = folder / "slipgauge.yaml"
        path.write_text(config((port, self.admin), (baseline, candidate), share, changes))
        command = [Path(sys.executable).parent / "slipgauge", "run", path]
        super().__init__(Process(command, port, folder / "slipgauge.log"), port)

    def ledger(self) -> Mirrored:
        """Requests by ledger state, and `unscored`: pairs that the analyzers' queue had no room for."""
        account = json.loads(self._get("/ledger"))
        states = {**account["states"], "open": account["open"], "total": account["total"]}
        states["unscored"] = int(
            sum(self.metric(f'slipgauge_queue_dropped_total{{reason="{why}"}}') for why in FULL)
        )
        return states

    def metric(self, name: str) -> float:
        """The value of one series of /metrics, 0 where there is none."""
        lines = self._get("/metrics").splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)

    def _get(self, path: str) -> str:
        connection = HTTPConnection("127.0.0.1", self.admin, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()
