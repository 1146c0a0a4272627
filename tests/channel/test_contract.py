"""What holds for every channel, whatever lies between its two ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.report import Mark, Report, unanswered
from tests.channel.stand import Stand, dropped, memory, report, stored

Make = Callable[[int], Stand]


@pytest.fixture(params=["memory", "nats"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a channel of a size."""
    if request.param == "memory":
        return memory
    link = request.getfixturevalue("link")
    return lambda size: stored(link, size)


def reports(seen: list[object]) -> list[str]:
    return [each.pair_id for each in seen if isinstance(each, Report)]


async def test_reports_arrive_in_order_and_before_stop_ends(make: Make) -> None:
    stand = make(1_000)
    await stand.channel.start()
    assert all(stand.channel.publish(report(str(number))) for number in range(300))
    await stand.channel.stop()
    assert reports([*await stand.seen()]) == [str(number) for number in range(300)]
    assert dropped(stand.telemetry) == 0


async def test_a_full_channel_drops_and_counts_what_tells_of_a_scored_pair(make: Make) -> None:
    stand = make(1)
    assert stand.channel.publish(report("kept"))
    assert not stand.channel.publish(report("dropped"))
    assert not stand.channel.publish(report("left", state="client_abort"))
    assert dropped(stand.telemetry) == 1
    await stand.channel.start()
    await stand.channel.stop()
    assert reports([*await stand.seen()]) == ["kept"]


async def test_what_became_of_a_waiting_analyzer_is_dropped_with_its_pair_alone(make: Make) -> None:
    stand = make(1)
    waiting = report("kept", waiting=("needy",))
    assert stand.channel.publish(waiting)
    assert not stand.channel.publish(waiting._replace(pair_id="dropped"))
    assert stand.channel.publish(unanswered(waiting, "needy"))
    assert not stand.channel.publish(unanswered(waiting._replace(pair_id="dropped"), "needy"))
    await stand.channel.start()
    await stand.channel.stop()
    assert await stand.seen() == [waiting, unanswered(waiting, "needy")]


async def test_no_mark_comes_before_a_report_of_what_it_covers(make: Make) -> None:
    stand = make(1_000)
    await stand.channel.start()
    for arrival in range(1, 201):
        stand.channel.publish(report(f"p-{arrival}", arrival=arrival, mark=Mark("process", arrival + 1)))
    stand.channel.publish(Mark("process", 201))
    await stand.channel.stop()
    told, low = set[int](), 0
    for message in await stand.seen():
        if isinstance(message, Report):
            told.add(message.arrival)
        mark = message if isinstance(message, Mark) else message.mark
        assert set(range(1, mark.low)) <= told
        low = max(low, mark.low)
    assert low == 201
