"""Draws every board from live data into docs/: `python -m grafana.draw [--engine vllm] [--requests N] [FOLDER]`.

It starts two servers on the testbed's files, Slipgauge before them and a Prometheus that scrapes all three, sends
traffic, and draws what the boards' queries give. Nothing is made up; times are those of this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

import aiohttp

from grafana.boards import BOARDS, int4
from grafana.draw.page import page
from grafana.generate import FOLDER
from grafana.reading import Prometheus, Window, read
from grafana.stand.monitoring import SCRAPE
from grafana.stand.stand import Stand, send, standing
from proxy import logs
from proxy.config import Log
from proxy.demo.rehearsal import MODEL_OF, Plan

DOCS = Path(__file__).parents[2] / "docs" / "boards"
CHOSEN = {"variable": "math.checked"}


async def draw(stand: Stand, window: Window, folder: Path, told: str, *, vllm: bool) -> None:
    """Write the picture of each board, or of those that need no vLLM."""
    async with aiohttp.ClientSession() as session:
        for board in BOARDS:
            if board is int4.BOARD and not vllm:
                continue
            tree = json.loads((FOLDER / f"{board.uid}.json").read_text())
            reading = await read(tree, Prometheus(session, stand.prometheus), window, CHOSEN)
            (folder / f"{board.uid}.svg").write_text(page(tree, reading, window, told))


async def main() -> None:
    """Start everything, send, draw, stop."""
    parser = argparse.ArgumentParser(prog="python -m grafana.draw", description=__doc__)
    parser.add_argument("--engine", choices=("embedded", "vllm"), default="embedded")
    parser.add_argument("--candidate", choices=sorted(MODEL_OF), default="slipping")
    parser.add_argument("--requests", type=int, default=1_500)
    parser.add_argument("folder", type=Path, nargs="?", default=DOCS)
    asked = parser.parse_args()
    logs.configure(Log(level="error"))
    plan = Plan(candidate=asked.candidate, engine=asked.engine)
    with tempfile.TemporaryDirectory(prefix="slipgauge-boards-") as folder:
        async with standing(plan, Path(folder)) as stand:
            started = time.time()
            await send(stand, 1, asked.requests)
            await asyncio.sleep(2 * SCRAPE)
            window = Window(started, time.time(), SCRAPE)
            models = f"fp16 and {MODEL_OF[asked.candidate]}"
            told = f"{asked.requests:,} requests to the testbed's {models}, engine {asked.engine}."
            asked.folder.mkdir(exist_ok=True)
            await draw(stand, window, asked.folder, told, vllm=asked.engine == "vllm")


if __name__ == "__main__":
    asyncio.run(main())
