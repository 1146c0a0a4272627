"""The boards on a real Prometheus that scrapes Slipgauge and both vLLM servers before which it stands."""

from __future__ import annotations

import time
from pathlib import Path

from grafana.boards import BOARDS
from grafana.reading import Window
from grafana.stand.monitoring import SCRAPE, scraped
from grafana.stand.stand import ARMS, before, send
from proxy.demo.arms import Server
from proxy.demo.rehearsal import Plan
from tests.grafana.answered import faults, reviewed

REQUESTS = 400


async def test_every_query_of_every_board_has_an_answer_that_can_be(
    servers: tuple[Server, ...], tmp_path: Path
) -> None:
    async with before(servers, Plan(candidate="slipping", engine="vllm"), tmp_path) as stand:
        started = time.time() - SCRAPE  # what was counted before the first request is seen, too
        await send(stand, seed=1, count=REQUESTS)
        await scraped(stand.prometheus, len(ARMS) + 1, time.time() + 2 * SCRAPE)  # rates have an end
        cases = await reviewed(stand, Window(started, time.time(), SCRAPE))
        window = Window(started, time.time(), SCRAPE)
        found = [await faults(board, stand.prometheus, window) for board in BOARDS]

    assert [fault for each in found for fault in each] == []
    assert set(cases.values()) == {200}
