from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from cases.pool import Pool
from proxy.cases.keeper import CaseKeeper
from proxy.cases.sqlite_pool import SqlitePool
from proxy.config import Analysis, Arm, Candidate, Config, Guardrail, ModelNames
from proxy.control.access import Tokens
from proxy.control.admin import Admin
from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.control.sqlite_store import SqliteStore
from proxy.processes.status import Gateways
from proxy.telemetry import Telemetry
from tests.control.fakes import Client, Connect, FixedBaseline, FixedGateways, FixedLedger


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
async def keeper(control: Control, gateways: FixedGateways) -> AsyncIterator[Keeper]:
    keeper = Keeper(control, SqliteStore(None), gateways.weigh, silence=10.0)
    await keeper.start()
    yield keeper
    await keeper.stop()


@pytest.fixture
def gateways() -> FixedGateways:
    return FixedGateways()


@pytest.fixture
async def cases(control: Control) -> AsyncIterator[CaseKeeper]:
    """A pool in memory."""
    made = case_keeper(control, SqlitePool(None))
    yield made
    await made.stop()


def case_keeper(control: Control, pool: Pool | None) -> CaseKeeper:
    """One that asks this pool; without any, as where none is configured."""
    kept = cast("SqlitePool | None", pool)
    why = "no cases are kept; name a file in cases.path"
    return CaseKeeper(kept, why, control.telemetry, lambda _: None, revision="1", queue_bytes=1 << 20)


@pytest.fixture
async def connect(
    control: Control, keeper: Keeper, baseline: FixedBaseline, cases: CaseKeeper
) -> AsyncIterator[Connect]:
    clients: list[Client] = []
    keepers: list[CaseKeeper] = []

    async def connect(viewer: str | None = None, operator: str | None = None, pool: Pool | None = None) -> Client:
        kept = cases if pool is None else case_keeper(control, pool)
        keepers.append(kept)
        admin = Admin(control, keeper, baseline, lambda: Gateways(1, 1), cases=kept)
        client = TestClient(TestServer(admin.app(Tokens(viewer, operator))))
        await client.start_server()
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.close()
    for each in keepers:
        await each.stop()


@pytest.fixture
async def admin(connect: Connect) -> Client:
    return await connect()
