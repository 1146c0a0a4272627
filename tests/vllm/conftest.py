"""Two real vLLM servers on the testbed's models, and Slipgauge in front of them, once for all tests here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from proxy.demo import arms
from proxy.demo.arms import Server
from tests.cli.program import start, write_config

READY_TIMEOUT = 1200.0
"""Seconds for both servers to start. On two busy cores the imports alone take minutes."""
TEST_TIMEOUT = 300


@dataclass(frozen=True)
class Gateway:
    """Where the running `slipgauge run` listens."""

    url: str
    admin: str


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
    path = tmp_path_factory.mktemp("gateway") / "config.yaml"
    program = await start("run", write_config(path, baseline.url, candidate.url, models={arms.MODEL: {}}))
    try:
        serving = await program.event("serving")
        yield Gateway(f"http://{serving['listen']}", f"http://{serving['admin']}")
    finally:
        if program.process.returncode is None:
            program.process.terminate()
        await program.process.communicate()


@pytest.fixture(params=["direct", "gateway"])
def base_url(request: pytest.FixtureRequest, baseline: Server, gateway: Gateway) -> str:
    """What a client is pointed at: the baseline's vLLM itself, or Slipgauge in front of it and the candidate."""
    return baseline.url if request.param == "direct" else gateway.url


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
