"""A gateway killed with requests open: what another on its host tells for it, and what is lost with the host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.tasks import cancel, spawn
from tests.apart.stand import Apart, Member, deployed
from tests.cli.upstream import Upstream
from tests.processes.load import REQUEST, Load

pytestmark = pytest.mark.timeout(300)
OPEN = 5


def left(folder: Path) -> list[Path]:
    """The files of gateways that have not ended well."""
    return list(folder.iterdir())


async def serve(gateway: Member, count: int) -> None:
    load = Load(gateway.port, keep=4, fresh=0)
    running = spawn(load.run(), name="load")
    await load.answered(count)
    load.stop()
    await running


async def ask(apart: Apart, gateway: Member) -> None:
    url = f"http://127.0.0.1:{gateway.port}/v1/chat/completions"
    try:
        async with apart.session.post(url, data=REQUEST, headers={"Content-Type": "application/json"}):
            pass
    except aiohttp.ClientError:
        pass


async def own(gateway: Member, total: int | None = None) -> Mapping[str, Any]:
    """The gateway's own ledger, once so many have begun; where it is not said how many, once none is open."""
    while True:
        _, told = await gateway.ask("/ledger")
        if (told["open"] == 0) if total is None else (told["total"] == total):
            return dict(told)
        await asyncio.sleep(0.01)


async def killed_with_requests_open(apart: Apart, arms: tuple[Upstream, Upstream]) -> Mapping[str, Any]:
    """Kill the gateway in mid-work, just after it has told; the ledger that it had."""
    (gateway,) = apart.gateways
    await serve(gateway, 50)
    await apart.told("/ledger", total=(await own(gateway))["total"])
    await serve(gateway, 50)
    total = (await own(gateway))["total"]
    for arm in arms:
        arm.hold.clear()
    asking = [spawn(ask(apart, gateway), name="request") for _ in range(OPEN)]
    before = await own(gateway, total + OPEN)
    assert before["open"] == OPEN
    await gateway.kill()
    await cancel(*asking)
    for arm in arms:
        arm.hold.set()
    return before


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_next_gateway_on_its_host_tells_what_it_had_counted_to_its_last_moment(
    tmp_path: Path, arms: tuple[Upstream, Upstream], workers: int
) -> None:
    patient = {"workers": workers, "shed_lag": 60.0}  # without its mirror a request would not be open
    async with deployed(tmp_path, (arms[0].url, arms[1].url), gateway=patient) as apart:
        (gateway,) = apart.gateways
        before = await killed_with_requests_open(apart, arms)
        assert len(left(apart.memory)) == workers + (workers > 1)
        await gateway.start()
        told = await apart.told("/ledger", total=before["total"], open=0, balanced=True)
        assert told["states"] == {**before["states"], "lost_with_process": before["open"]}
        assert len(gateway.lines("told for a gateway that was killed")) == 1

        await serve(gateway, 20)
        after = await own(gateway)
        await apart.told("/ledger", total=before["total"] + after["total"], open=0, balanced=True)
        assert await gateway.end() == 0
        assert left(apart.memory) == []


async def test_another_gateway_on_its_host_tells_for_it_at_once(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with deployed(tmp_path, urls, gateways=2) as apart:
        first, second = apart.gateways
        await serve(first, 100)
        total = (await own(first))["total"]
        await first.kill()
        told = await apart.told("/ledger", total=total, open=0, balanced=True)
        assert told["states"]["paired"] + told["states"]["lost_with_process"] == total
        assert second.lines("told for a gateway that was killed")
        assert len(left(apart.memory)) == 1


async def test_where_its_host_is_lost_what_was_open_at_its_last_word_is_lost_with_it(
    tmp_path: Path, arms: tuple[Upstream, Upstream]
) -> None:
    async with deployed(tmp_path, (arms[0].url, arms[1].url)) as apart:
        (gateway,) = apart.gateways
        for arm in arms:
            arm.hold.clear()
        asking = [spawn(ask(apart, gateway), name="request") for _ in range(OPEN)]
        before = await own(gateway, OPEN)
        await apart.told("/ledger", total=OPEN, open=before["open"])  # within a second
        await gateway.kill()
        await cancel(*asking)
        for path in left(apart.memory):
            path.unlink()
        await gateway.start()
        told = await apart.told("/ledger", total=OPEN, open=0, balanced=True)
        assert told["states"]["lost_with_process"] == before["open"] > 0
