"""The channel over real servers that are absent, killed, cut off and full."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.channel.link import Link
from proxy.channel.nats import MESSAGE_ID, NatsChannel
from proxy.channel.reader import read
from proxy.report import Report
from proxy.telemetry import Telemetry
from tests.arms.until import until
from tests.channel.servers import Cluster
from tests.channel.stand import dropped, everything, no_counts, report, settings


async def until_stored(channel: NatsChannel) -> None:
    await until(lambda: channel._window.empty)


async def pair_ids(link: Link) -> list[str]:
    return [each.pair_id for _, each in await everything(link) if isinstance(each, Report)]


async def test_without_a_server_reports_are_kept_as_far_as_they_may_and_sent_once_there_is_one(
    tmp_path: Path,
) -> None:
    cluster, telemetry = Cluster(tmp_path, 1), Telemetry()
    link = Link(settings(cluster.urls), "test")
    link.start()
    channel = NatsChannel(link, telemetry, 3, no_counts)
    await channel.start()
    taken = [channel.publish(report(str(number))) for number in range(5)]
    assert taken == [True, True, True, False, False]
    assert dropped(telemetry) == 2
    await cluster.start()
    await until_stored(channel)
    assert await pair_ids(link) == ["0", "1", "2"]
    await channel.stop()
    await link.close()
    await cluster.stop()


async def test_a_server_killed_and_started_again_has_every_report_once(cluster: Cluster, link: Link) -> None:
    channel = NatsChannel(link, Telemetry(), 10_000, no_counts)
    await channel.start()
    (server,) = cluster.servers
    for number in range(1_000):
        channel.publish(report(str(number)))
        if number % 300 == 0:
            await server.kill()
            await server.start()
        await asyncio.sleep(0)
    await until_stored(channel)
    assert sorted(await pair_ids(link), key=int) == [str(number) for number in range(1_000)]
    await channel.stop()


async def test_a_message_sent_again_is_stored_once(link: Link) -> None:
    for _ in range(3):
        await link.ask(link.js.publish(link.names.pairs, b"[]", headers={MESSAGE_ID: "a-1"}))
    assert (await link.js.stream_info(link.names.reports)).state.messages == 1


async def test_what_a_full_stream_refuses_is_dropped_and_counted(cluster: Cluster) -> None:
    link, telemetry = Link(settings(cluster.urls, stream_bytes=200_000), "test"), Telemetry()
    link.start()
    await link.ready.wait()
    channel = NatsChannel(link, telemetry, 10_000, no_counts)
    await channel.start()
    for number in range(2_000):
        channel.publish(report(str(number), segments=("x=" + "y" * 60,) * 4))
    await until_stored(channel)
    arrived = await pair_ids(link)
    assert 0 < len(arrived) < 2_000
    assert len(arrived) + dropped(telemetry) == 2_000
    await channel.stop()
    await link.close()


async def test_stopping_without_a_server_takes_no_longer_than_it_may() -> None:
    link = Link(settings(("nats://127.0.0.1:1",)), "test")
    link.start()
    channel = NatsChannel(link, Telemetry(), 10, no_counts)
    await channel.start()
    channel.publish(report("a"))
    await channel.stop(patience=0.1)
    await link.close()


async def test_a_reader_goes_on_where_it_was_when_its_server_comes_back(cluster: Cluster, link: Link) -> None:
    (server,), numbers = cluster.servers, list[int]()
    async for message in read(link, link.names.reports, 0):
        if message is not None:
            numbers.append(message.number)
        if len(numbers) == 6:
            break
        if not numbers or len(numbers) == 3:
            if numbers:
                await server.kill()
                await server.start()
            for number in range(3):
                body = {MESSAGE_ID: f"{len(numbers)}-{number}"}
                while True:
                    try:
                        await link.ask(link.js.publish(link.names.pairs, b"[]", headers=body))
                        break
                    except Exception:
                        await asyncio.sleep(0.05)
    assert numbers == [1, 2, 3, 4, 5, 6]


@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
async def test_of_three_servers_any_one_may_be_lost(tmp_path: Path) -> None:
    # nats-py leaves a connection that was not made in time to the garbage collector, which warns of it.
    cluster = Cluster(tmp_path, 3)
    await cluster.start()
    link = Link(settings(cluster.urls, replicas=3), "test")
    link.start()
    await link.ready.wait()
    channel = NatsChannel(link, Telemetry(), 10_000, no_counts)
    await channel.start()
    for number, server in enumerate(cluster.servers[:2]):
        channel.publish(report(f"before-{number}"))
        await (server.kill() if number % 2 else asyncio.to_thread(server.cut_off))
        channel.publish(report(f"after-{number}"))
        await until_stored(channel)
        await (server.start() if number % 2 else asyncio.to_thread(server.reconnect))
    assert len(set(await pair_ids(link))) == len(await pair_ids(link)) == 4
    await channel.stop()
    await link.close()
    await cluster.stop()


def test_what_needs_no_nats_does_not_import_it() -> None:
    program = "import sys, proxy.run, proxy.cli; sys.exit('nats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
