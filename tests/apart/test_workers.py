"""A gateway of several processes over NATS: what each of them finds arrives, and one of them is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from proxy.channel.window import read as messages_of
from proxy.report import ENDED, PAIRED, Mark
from proxy.tasks import spawn
from tests.apart.stand import Apart, deployed, until
from tests.apart.test_roles import PASSED, metric
from tests.channel.stand import stream
from tests.processes.load import Load

pytestmark = pytest.mark.timeout(300)
EACH = 100


async def told(apart: Apart) -> tuple[int, dict[str, int]]:
    """How many pairs are in the stream, and the last mark of every process."""
    pairs, marks = 0, dict[str, int]()
    link = apart.link()
    link.start()
    async for message in stream(link):
        if message.subject == link.names.pairs:
            for each in messages_of(message.body):
                if isinstance(each, Mark):
                    marks[each.process] = each.low
                elif not each.further and each.state in PAIRED:
                    pairs += 1
    await link.close()
    return pairs, marks


async def serve(port: int, count: int) -> set[str]:
    """Requests on connections of their own, which the kernel spreads over the processes; what became of them."""
    load = Load(port, keep=0, fresh=4)
    running = spawn(load.run(), name="load")
    await load.answered(count)
    load.stop()
    await running
    return set(load.outcomes)


async def test_what_each_process_finds_arrives_and_one_that_is_killed_is_replaced(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with deployed(tmp_path, urls, gateway={"workers": 3, "shed_lag": 60.0}) as apart:
        (gateway,), leader = apart.gateways, await apart.leader()
        assert await serve(gateway.port, EACH) == {"200"}
        (first, *_) = gateway.lines("gateway process serving")
        os.kill(first["pid"], signal.SIGKILL)

        async def replaced() -> bool:
            return len(gateway.lines("gateway process serving")) == 4

        await until(replaced)
        assert await serve(gateway.port, EACH) == {"200"}

        async def folded() -> bool:
            _, ledger = await gateway.ask("/ledger")
            pairs, _ = await told(apart)
            dropped = await metric(gateway, 'slipgauge_queue_dropped_total{reason="process"}')
            counted = ledger["open"] == 0 and pairs + (dropped or 0) == ledger["states"]["paired"]
            return bool(counted and pairs == await metric(leader, PASSED))

        await until(folded)
        _, ledger = await gateway.ask("/ledger")
        assert ledger["total"] >= 2 * EACH
        assert ledger["states"]["paired"] > 0
        await apart.told("/ledger", states=ledger["states"], total=ledger["total"], open=0, balanced=True)
        _, marks = await told(apart)
        assert len(marks) == 4
        assert sorted(low == ENDED for low in marks.values()) == [False, False, False, True]
        assert await gateway.end() == 0
        _, marks = await told(apart)
        assert set(marks.values()) == {ENDED}
