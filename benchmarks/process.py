"""Processes under measurement: started on free ports, watched from outside, stopped by their own ids."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

START_TIMEOUT = 60.0
STOP_TIMEOUT = 15.0


class StartError(Exception):
    """A process did not come up. The message holds the end of its log."""


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nothing listened on a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


class Process:
    """A running program, ready once `port` accepts; its standard error goes to `log`."""

    def __init__(self, command: Sequence[object], port: int | None, log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self.popen = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        if port is None:
            return
        try:
            self._await(port)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    def _await(self, port: int) -> None:
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end and self.popen.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise StartError(f"{self.popen.args!r} did not come up on port {port}:\n{self._log.read_text()[-2000:]}")

    def ask(self, line: str) -> str:
        """Write a line to it and read the line it answers with. Raises RuntimeError where it has ended."""
        if self.popen.stdin is None or self.popen.stdout is None:
            raise RuntimeError("a process without pipes")
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()
        answer = self.popen.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.popen.args!r} has ended:\n{self._log.read_text()[-2000:]}")
        return answer

    def stop(self) -> None:
        """End it, by force where it does not end by itself. Safe to call twice."""
        self.popen.terminate()
        try:
            self.popen.communicate(timeout=STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.communicate()


def children(pid: int) -> list[int]:
    """The processes that `pid` has started and that still run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """CPU time of one process, all its threads and none of its children: its clock, see clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Memory of one process that is in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def descriptors(pid: int) -> int:
    """Open file descriptors of one process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
