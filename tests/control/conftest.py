from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp.test_utils import TestClient, TestServer

from proxy.config import Analysis, Arm, Candidate, Config, Guardrail, ModelNames
from proxy.control.admin import Admin
from proxy.control.control import Control
from proxy.processes.status import Gateways
from proxy.telemetry import Telemetry
from tests.control.fakes import Client, FixedBaseline, FixedLedger


@pytest.fixture
def config() -> Config:
    return Config(
        baseline=Arm(url=("http://127.0.0.1:8001",)),
        candidate=Candidate(url=("http://127.0.0.1:8002",)),
        models={"m": ModelNames()},
        analysis=Analysis(enabled=("served",)),
        guardrails={"served": Guardrail(margin=0.01)},
    )


@pytest.fixture
def ledger() -> FixedLedger:
    return FixedLedger()


@pytest.fixture
def baseline() -> FixedBaseline:
    return FixedBaseline()


@pytest.fixture
def control(config: Config, ledger: FixedLedger) -> Control:
    return Control(config, Telemetry(), ledger, "1.2.3")


@pytest.fixture
async def connect(
    control: Control, baseline: FixedBaseline
) -> AsyncIterator[Callable[[str | None], Awaitable[Client]]]:
    clients: list[Client] = []

    async def connect(token: str | None) -> Client:
        client = TestClient(TestServer(Admin(control, baseline, lambda: Gateways(1, 1)).app(token)))
        await client.start_server()
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture
async def admin(connect: Callable[[str | None], Awaitable[Client]]) -> Client:
    return await connect(None)
