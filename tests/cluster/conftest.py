from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest

from tests.channel.servers import free_port


@pytest.fixture
async def urls() -> AsyncIterator[tuple[str, str]]:
    """Two arms, each a process of its own."""
    ports = (free_port(), free_port())
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy.processes.orphans", str(os.getpid())),
            *(sys.executable, "-m", "tests.cluster.arm", str(port)),
        )
        for port in ports
    ]
    yield f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
    for process in processes:
        process.kill()
        await process.wait()
