"""Two real vLLM servers on the testbed's models, and Slipgauge in front of them, once for all tests here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from proxy.demo import arms
from proxy.demo.arms import Server
from tests.vllm.stand import Gateway, running_gateway

READY_TIMEOUT = 1200.0
"""Seconds for both servers to start. On two busy cores the imports alone take minutes."""
TEST_TIMEOUT = 300


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(TEST_TIMEOUT, func_only=True))
            if is_async_test(item):  # one event loop, since servers and gateway are shared
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Server, ...]]:
    models = {"baseline": arms.MODELS / "fp16", "candidate": arms.MODELS / "int4-slipping"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(arms.READY_TIMEOUT, "vllm", READY_TIMEOUT)
        async with arms.serving("vllm", models, tmp_path_factory.mktemp("vllm-logs")) as pair:
            yield pair


@pytest.fixture(scope="session")
def baseline(servers: tuple[Server, ...]) -> Server:
    return servers[0]


@pytest.fixture(scope="session")
def candidate(servers: tuple[Server, ...]) -> Server:
    return servers[1]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(
    baseline: Server, candidate: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path_factory.mktemp("gateway"), baseline.url, candidate.url) as running:
        yield running


@pytest.fixture(params=["direct", "gateway"])
def base_url(request: pytest.FixtureRequest, baseline: Server, gateway: Gateway) -> str:
    """What a client is pointed at: the baseline's vLLM itself, or Slipgauge in front of it and the candidate."""
    return baseline.url if request.param == "direct" else gateway.url


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
