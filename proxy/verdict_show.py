"""`slipgauge verdict` for people: the table once, or again and again."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console
from rich.live import Live

from proxy.admin_client import AdminPort
from proxy.verdict_table import render

PLAIN_WIDTH = 100
"""Columns where the output is no terminal."""
EVERY = 2.0
"""Seconds between two looks."""


def show(port: AdminPort, *, watch: bool) -> dict[str, Any]:
    """Print the table; what `/verdict` said last. With `watch` until KeyboardInterrupt. Raises AdminError."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    verdict, stage = port.get("/verdict"), port.get("/stage")
    if not watch:
        console.print(render(verdict, stage, console.width))
        return dict(verdict)
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            live.update(render(verdict, stage, console.width), refresh=True)
            time.sleep(EVERY)
            verdict, stage = port.get("/verdict"), port.get("/stage")
