from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.tasks import spawn
from tests.cli.program import write_config
from tests.cli.upstream import Upstream
from tests.processes.load import Load
from tests.processes.stand import running


@pytest.fixture
async def other() -> AsyncIterator[Upstream]:
    """A third server, which nobody asks at first."""
    made = Upstream()
    await made.server.start_server()
    yield made
    await made.server.close()


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_change_under_load_reaches_every_process_and_fails_no_request(
    arms: tuple[Upstream, Upstream], other: Upstream, tmp_path: Path, workers: int
) -> None:
    gateway = {"workers": workers, "shed_lag": 60.0}

    def write(baseline: Upstream, candidate: Upstream, **changes: Any) -> Path:
        return write_config(tmp_path / "c.yaml", baseline.url, candidate.url, gateway=gateway, **changes)

    async with running(write(*arms)) as run:
        load = Load(run.port, keep=8, fresh=8)
        loading = spawn(load.run(), name="load")
        await load.answered(50)

        write(arms[0], other)
        run.program.process.send_signal(signal.SIGHUP)
        await asyncio.wait_for(other.arrived.wait(), 20)
        other.arrived.clear()

        write(other, arms[1], mirror={"sample": 0.0})
        run.program.process.send_signal(signal.SIGHUP)
        await asyncio.wait_for(other.arrived.wait(), 20)
        await run.until_metric('slipgauge_config_reloads_total{result="applied"}', 2)
        await load.answered(load.outcomes["200"] + 50)

        load.stop()
        await loading
        ledger = await run.until("/ledger", open=0)
        stage = await run.get("/stage")

    assert set(load.outcomes) == {"200"}
    assert ledger["total"] == load.outcomes["200"]
    assert {state for state, count in ledger["states"].items() if count} == {"paired", "not_sampled"}
    assert stage["config"]["refused"] is None


async def test_a_bad_change_under_load_changes_nothing_and_is_shown(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    async with running(config) as run:
        load = Load(run.port, keep=4, fresh=4)
        loading = spawn(load.run(), name="load")
        await load.answered(20)
        before = await run.get("/stage")

        write_config(config, arms[0].url, arms[1].url, analysis={"workers": 3}, mirror={"smaple": 1}, listen="x")
        run.program.process.send_signal(signal.SIGHUP)
        refused = [await run.program.event("configuration refused") for _ in range(2)]
        after = await run.get("/stage")
        await load.answered(load.outcomes["200"] + 20)
        load.stop()
        await loading
        ledger = await run.until("/ledger", open=0)

    assert [line["path"] for line in refused] == ["listen", "mirror.smaple"]
    assert "mirror.smaple: unknown key; did you mean sample?" in after["config"]["refused"]
    assert after["config"]["active_since"] == before["config"]["active_since"]
    assert set(load.outcomes) == {"200"}
    assert ledger["states"]["paired"] == load.outcomes["200"]
