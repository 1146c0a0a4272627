from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.channel.link import Link
from tests.channel.servers import Cluster
from tests.channel.stand import settings
from tests.cli.upstream import Upstream


@pytest.fixture
async def urls() -> AsyncIterator[tuple[str, str]]:
    """Two arms that answer every request."""
    arms = (Upstream(), Upstream())
    for arm in arms:
        await arm.server.start_server()
    yield arms[0].url, arms[1].url
    for arm in arms:
        await arm.server.close()


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Link]:
    """A connection to one NATS server."""
    cluster = Cluster(tmp_path, 1)
    await cluster.start()
    link = Link(settings(cluster.urls), "test")
    link.start()
    await link.ready.wait()
    yield link
    await link.close()
    await cluster.stop()
