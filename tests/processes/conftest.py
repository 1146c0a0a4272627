from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.cli.upstream import Upstream


@pytest.fixture
async def arms() -> AsyncIterator[tuple[Upstream, Upstream]]:
    pair = (Upstream(), Upstream())
    for arm in pair:
        await arm.server.start_server()
    yield pair
    for arm in pair:
        arm.hold.set()
        await arm.server.close()
