from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.channel.link import Link
from tests.channel.servers import Cluster
from tests.channel.stand import settings


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """One NATS server."""
    cluster = Cluster(tmp_path, 1)
    await cluster.start()
    yield cluster
    await cluster.stop()


@pytest.fixture
async def link(cluster: Cluster) -> AsyncIterator[Link]:
    link = Link(settings(cluster.urls), "test")
    link.start()
    await link.ready.wait()
    yield link
    await link.close()
