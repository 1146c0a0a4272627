"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.nginx import nginx_program
from proxy import compiled


def stolen() -> float:
    """Seconds of all cores, since boot, that the host gave to others while this machine had work for them.

    See https://man7.org/linux/man-pages/man5/proc_stat.5.html, "steal".
    """
    return int(Path("/proc/stat").read_text().split(maxsplit=9)[8]) / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, str | int]:
    """Processor, cores, and the versions of what was compared."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    nginx = nginx_program()
    found = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False).stderr if nginx else "none"
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": next((line.partition(": ")[2] for line in info if line.startswith("model name")), "unknown"),
        "cores": os.cpu_count() or 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "gateway": "compiled" if compiled.active() else "interpreted",
        "nginx": found.strip().rpartition("/")[2],
        **{name: version(name) for name in ("slipgauge", "uvloop", "httptools", "aiohttp")},
    }
