"""Slipgauge as an operator runs it, everything on: ledger, metrics, capture, pairing, analyzer processes beside it.

Repeats are off, since no peer asks the baseline twice. What the analyzers cannot take is dropped by their
bounded queue, and counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml

from benchmarks.messages import MODEL
from benchmarks.peers.peer import Mirrored, Peer
from benchmarks.process import Process, free_ports

SETTLE_TIMEOUT = 30.0


class Slipgauge(Peer):
    """`changes` are laid over the configuration, one key of a section at a time."""

    name = "slipgauge"

    def __init__(
        self,
        folder: Path,
        baseline: int,
        candidate: int,
        share: float,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        port, self.admin = free_ports(2)
        config: dict[str, Any] = {
            "listen": f"127.0.0.1:{port}",
            "admin": {"listen": f"127.0.0.1:{self.admin}"},
            "baseline": {"url": f"http://127.0.0.1:{baseline}"},
            "candidate": {"url": f"http://127.0.0.1:{candidate}"},
            "models": {MODEL: {}},
            "mirror": {"sample": share, "repeat": 0.0},
            "log": {"format": "json"},
        }
        for section, keys in (changes or {}).items():
            config[section] = {**config.get(section, {}), **keys}
        path = folder / "slipgauge.yaml"
        path.write_text(yaml.safe_dump(config))
        command: list[str | Path] = [Path(sys.executable).parent / "slipgauge", "run", path]
        super().__init__(Process(command, port, folder / "slipgauge.log"), port)

    def ledger(self) -> Mirrored:
        """Requests by ledger state."""
        account = json.loads(self._get("/ledger"))
        states: Mirrored = {**account["states"], "open": account["open"], "total": account["total"]}
        if not account["balanced"]:
            raise AssertionError(f"the ledger does not add up: {states}")
        return states

    def metric(self, name: str) -> float:
        """The value of one series of /metrics, 0 where there is none."""
        lines = self._get("/metrics").splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)

    def settle(self) -> None:
        """Wait until the analyzers have nothing left to score: they would take CPU from whoever comes next."""
        end = time.monotonic() + SETTLE_TIMEOUT
        while self.metric("slipgauge_queue_bytes") and time.monotonic() < end:
            time.sleep(0.1)

    def _get(self, path: str) -> str:
        connection = HTTPConnection("127.0.0.1", self.admin, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()
