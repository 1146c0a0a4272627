"""What is wrong between a process and the NATS servers is said, with what would be right."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

import pytest
import structlog

from proxy.channel.link import FAILURES, Link
from proxy.channel.reader import read
from proxy.config_channel import Nats
from tests.arms.until import until
from tests.channel.servers import Cluster, Server, free_port
from tests.channel.stand import settings


async def says(wanted: Nats, words: str) -> None:
    """Wait until a link says this of servers that it cannot use, and names them."""
    with structlog.testing.capture_logs() as logs:
        link = Link(wanted, "test")
        link.start()
        await until(
            lambda: any(words in each.get("problem", "") and each["servers"] == wanted.servers for each in logs)
        )
        assert not link.up
        await link.close()


async def test_servers_that_are_not_there_are_named() -> None:
    await says(settings((f"nats://127.0.0.1:{free_port()}",)), "Errno 111")


async def stored(link: Link) -> None:
    """Publish one message, once that can be done."""
    while True:
        with contextlib.suppress(*FAILURES):
            await link.ask(link.js.publish(link.names.pairs, b"[]"))
            return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("changes", "jetstream", "words"),
    [
        ({"replicas": 3}, True, "channel.nats.replicas needs a cluster"),
        ({"stream_bytes": 1 << 60}, True, "channel.nats.stream_bytes is more"),
        ({}, False, "needs -js"),
    ],
)
async def test_a_server_that_does_not_make_the_streams_says_why(
    tmp_path: Path, changes: dict[str, object], jetstream: object, words: str
) -> None:
    server = Server(tmp_path, jetstream=bool(jetstream))
    await server.start()
    try:
        await says(settings((server.url,), **changes), words)
    finally:
        await server.kill()


async def test_a_stream_of_the_same_name_that_is_another_s_is_left_alone(cluster: Cluster, link: Link) -> None:
    await link.js.add_stream(name="other-reports", subjects=["something.else"])
    await says(settings(cluster.urls, prefix="other"), "choose another channel.nats.prefix")


@pytest.mark.usefixtures("link")
async def test_a_stream_that_keeps_other_settings_says_which(cluster: Cluster) -> None:
    with structlog.testing.capture_logs() as logs:
        later = Link(settings(cluster.urls, stream_bytes=2**20), "test")
        later.start()
        await later.ready.wait()
        await later.close()
    (kept,) = [each for each in logs if "keeps them" in each["event"]]
    assert (kept["stream"], kept["max_bytes"]) == ("slipgauge-reports", "1073741824, not 1048576")


async def test_servers_that_come_back_without_their_disk_get_the_streams_anew(cluster: Cluster, link: Link) -> None:
    (server,) = cluster.servers
    await server.kill()
    shutil.rmtree(server.folder)
    await server.start()

    await stored(link)
    while True:  # the bucket is made after the stream
        with contextlib.suppress(*FAILURES):
            await link.ask(link.bucket.put("key", b"value"))
            break
        await asyncio.sleep(0.05)


async def test_a_stream_that_was_deleted_is_made_anew_and_read_from_its_beginning(link: Link) -> None:
    for number in range(3):
        await link.ask(link.js.publish(link.names.pairs, b"%d" % number))
    await link.js.delete_stream(link.names.reports)
    await stored(link)
    async for message in read(link, link.names.reports, 3):
        if message is not None:
            assert (message.number, message.body) == (1, b"[]")
            break
