from __future__ import annotations

import asyncio

from proxy.channel.memory import SLICE, MemoryChannel
from proxy.report import Mark, Message, Report, unanswered
from proxy.telemetry import Telemetry


def report(pair_id: str) -> Report:
    return Report(pair_id, "session", 1.0, "baseline", "paired", {}, {}, ())


def reading() -> tuple[list[str], MemoryChannel]:
    seen: list[str] = []

    def consume(told: Message) -> None:
        assert isinstance(told, Report)
        seen.append(told.pair_id)

    return seen, MemoryChannel(consume, Telemetry())


async def test_reports_arrive_in_order_and_before_stop_ends() -> None:
    seen, channel = reading()
    await channel.start()
    assert all(channel.publish(report(str(number))) for number in range(5))
    await channel.stop()
    assert seen == ["0", "1", "2", "3", "4"]


async def test_reports_are_consumed_in_slices_between_which_the_loop_turns() -> None:
    seen, channel = reading()
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
    telemetry, seen = Telemetry(), list[Message]()
    channel = MemoryChannel(seen.append, telemetry, size=1)
    assert channel.publish(report("kept"))
    assert not channel.publish(report("dropped"))
    assert telemetry.registry.get_sample_value("slipgauge_queue_dropped_total", {"reason": "channel"}) == 1
    await channel.start()
    await channel.stop()
    assert seen == [report("kept")]


async def test_a_failing_consumer_loses_its_report_only() -> None:
    seen: list[str] = []

    def consume(told: Message) -> None:
        assert isinstance(told, Report)
        if told.pair_id == "bad":
            raise RuntimeError
        seen.append(told.pair_id)

    channel = MemoryChannel(consume, Telemetry())
    await channel.start()
    channel.publish(report("bad"))
    channel.publish(report("good"))
    await channel.stop()
    assert seen == ["good"]


async def test_what_became_of_a_waiting_analyzer_is_dropped_with_its_pair_alone() -> None:
    seen = list[Message]()
    channel = MemoryChannel(seen.append, Telemetry(), size=1)
    waiting = report("kept")._replace(waiting=("needy",))
    assert channel.publish(waiting)
    assert not channel.publish(waiting._replace(pair_id="dropped"))
    assert channel.publish(unanswered(waiting, "needy"))
    assert not channel.publish(unanswered(waiting._replace(pair_id="dropped"), "needy"))
    await channel.stop()
    assert seen == [waiting, unanswered(waiting, "needy")]


async def test_a_mark_keeps_its_place_and_only_what_tells_of_a_scored_pair_is_counted_where_it_is_dropped() -> None:
    telemetry, seen = Telemetry(), list[Message]()
    channel = MemoryChannel(seen.append, telemetry, size=2)
    mark = Mark("process", 7)
    assert channel.publish(report("kept"))
    assert channel.publish(mark)
    assert not channel.publish(mark)
    assert not channel.publish(report("dropped")._replace(state="client_abort"))
    await channel.stop()
    assert seen == [report("kept"), mark]
    assert not telemetry.registry.get_sample_value("slipgauge_queue_dropped_total", {"reason": "channel"})
