from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from proxy.config import Config
from tests.gateway.stands import Stand, Stands


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def stand() -> Stands:
    """Start a gateway between two URLs; it mirrors everything unless the settings say otherwise."""

    @asynccontextmanager
    async def started(baseline: str, candidate: str, **settings: Any) -> AsyncIterator[Stand]:
        mirror = {"sample": 1.0, "repeat": 0.0, **settings.pop("mirror", {})}
        limits = {"drain": 5.0, **settings.pop("limits", {})}
        config = Config.model_validate(
            {
                "listen": "127.0.0.1:0",
                "baseline": {"url": baseline},
                "candidate": {"url": candidate},
                "models": {"m": {}},
                "mirror": mirror,
                "limits": limits,
                **settings,
            }
        )
        made = Stand(config)
        await made.gateway.start()
        try:
            yield made
        finally:
            await made.gateway.stop()
        assert made.balanced()
        assert made.ledger.states()["open"] == 0

    return started
