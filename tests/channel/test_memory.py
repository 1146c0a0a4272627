from __future__ import annotations

import asyncio

from proxy.channel.memory import SLICE, MemoryChannel
from proxy.report import Report
from proxy.telemetry import Telemetry


def report(pair_id: str) -> Report:
    return Report(pair_id, "session", 1.0, "baseline", "paired", {}, {}, ())


async def test_reports_arrive_in_order_and_before_stop_ends() -> None:
    seen: list[str] = []
    channel = MemoryChannel(lambda report: seen.append(report.pair_id), Telemetry())
    await channel.start()
    assert all(channel.publish(report(str(number))) for number in range(5))
    await channel.stop()
    assert seen == ["0", "1", "2", "3", "4"]


async def test_reports_are_consumed_in_slices_between_which_the_loop_turns() -> None:
    seen: list[str] = []
    channel = MemoryChannel(lambda report: seen.append(report.pair_id), Telemetry())
    await channel.start()
    for number in range(SLICE + 1):
        channel.publish(report(str(number)))
    assert seen == []
    await asyncio.sleep(0)
    assert len(seen) == SLICE
    await asyncio.sleep(0)
    assert len(seen) == SLICE + 1
    await channel.stop()


async def test_a_full_channel_drops_and_counts() -> None:
    telemetry, seen = Telemetry(), list[Report]()
    channel = MemoryChannel(seen.append, telemetry, size=1)
    assert channel.publish(report("kept"))
    assert not channel.publish(report("dropped"))
    assert telemetry.registry.get_sample_value("slipgauge_queue_dropped_total", {"reason": "channel"}) == 1
    await channel.start()
    await channel.stop()
    assert [taken.pair_id for taken in seen] == ["kept"]


async def test_a_failing_consumer_loses_its_report_only() -> None:
    seen: list[str] = []

    def consume(report: Report) -> None:
        if report.pair_id == "bad":
            raise RuntimeError
        seen.append(report.pair_id)

    channel = MemoryChannel(consume, Telemetry())
    await channel.start()
    channel.publish(report("bad"))
    channel.publish(report("good"))
    await channel.stop()
    assert seen == ["good"]
