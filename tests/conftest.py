"""What holds for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from hypothesis import settings

from tests.cli.upstream import Upstream

# A busy machine is no fault of what is tested; what hangs is ended by the timeout of its test.
settings.register_profile("untimed", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command run in this process sets up its logs; the next test finds them as they were."""
    yield
    structlog.reset_defaults()


@pytest.fixture
async def arms() -> AsyncIterator[tuple[Upstream, Upstream]]:
    """A baseline and a candidate that serve."""
    pair = (Upstream(), Upstream())
    for arm in pair:
        await arm.server.start_server()
    yield pair
    for arm in pair:
        arm.hold.set()
        await arm.server.close()
