from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from proxy.tasks import spawn
from tests.cli.program import start, write_config
from tests.cli.upstream import Upstream
from tests.processes.load import Load
from tests.processes.stand import AGAIN, Running, alive, children, running


def two(path: Path, arms: tuple[Upstream, Upstream], **changes: Any) -> Path:
    return write_config(
        path / "c.yaml", arms[0].url, arms[1].url, gateway={"workers": 2, "shed_lag": 60.0}, **changes
    )


async def judged(run: Running) -> float:
    """Pairs that have ended at the first analyzer, in whichever state."""
    states = await run.metrics('slipgauge_analyses_total{analyzer="served"')
    return sum(states.values())


async def test_two_processes_serve_one_port_and_one_owner_accounts_for_both(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    async with running(two(tmp_path, arms)) as run:
        load = Load(run.port, keep=0, fresh=8)
        loading = spawn(load.run(), name="load")
        await load.answered(60)
        load.stop()
        await loading
        total = load.outcomes["200"]
        ledger = await run.until("/ledger", open=0, total=total)
        scored = 'slipgauge_findings_total{analyzer="served",baseline="pass",candidate="pass"}'
        await run.until_metric(scored, total)
        ready = await run.get("/readyz")
        sent = 'slipgauge_requests_total{arm="baseline",code="200",leg="primary",operation="chat"}'

        assert load.outcomes == {"200": total}
        assert (ledger["states"]["paired"], ledger["balanced"]) == (total, True)
        assert await run.metric(sent) == total
        assert ready == {"status": "ready", "gateways": {"accepting": 2, "of": 2}}
        assert await run.metric("slipgauge_gateway_processes") == 2


async def test_a_killed_process_loses_its_own_connections_alone_and_is_replaced(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    async with running(two(tmp_path, arms)) as run:
        arms[0].hold.clear()
        load = Load(run.port, keep=12, fresh=0)
        loading = spawn(load.run(), name="load")
        await run.until("/ledger", open=12)
        load.stop()
        os.kill(run.gateways[0], signal.SIGKILL)
        lost = (await run.program.event("gateway process lost"))["requests_lost"]
        arms[0].hold.set()
        await loading
        replaced = await run.program.event("gateway process serving")
        ledger = await run.until("/ledger", open=0)
        ready = await run.until("/readyz", gateways={"accepting": 2, "of": 2})
        restarts = await run.metric("slipgauge_gateway_restarts_total")

    assert load.outcomes["200"] == 12 - lost
    assert sum(load.outcomes.values()) == 12
    assert ledger["states"]["lost_with_process"] == lost
    assert ledger["states"]["paired"] == 12 - lost
    assert (ledger["total"], ledger["balanced"]) == (12, True)
    assert (replaced["gateway"], ready["status"], restarts) == (0, "ready", 1)


async def test_the_ledger_stays_exact_while_processes_are_killed_under_load(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    async with running(two(tmp_path, arms)) as run:
        load = Load(run.port, keep=8, fresh=0)
        loading = spawn(load.run(), name="load")
        victim = run.gateways[1]
        for _ in range(2):
            while sum(load.outcomes.values()) % 50 < 40:
                assert (await run.get("/ledger"))["balanced"]
            os.kill(victim, signal.SIGKILL)
            await run.program.event("gateway process lost")
            victim = (await run.program.event("gateway process serving"))["pid"]
        load.stop()
        await loading
        ledger = await run.until("/ledger", open=0)
        while await judged(run) != ledger["states"]["paired"]:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(AGAIN)

    states = ledger["states"]
    assert states["paired"] + states["lost_with_process"] == ledger["total"]
    # A client may have lost its answer before its request was counted, or read it before its mirror had ended.
    assert load.outcomes["200"] <= ledger["total"] <= sum(load.outcomes.values())


async def test_a_process_that_dies_before_it_listens_is_tried_again(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    async with running(two(tmp_path, arms)) as run:
        parent = run.program.process.pid
        known = set(run.gateways.values())
        os.kill(run.gateways[0], signal.SIGKILL)
        for _ in range(2):
            while not (begun := set(children(parent)) - known):  # noqa: ASYNC110 - a process starts
                await asyncio.sleep(0.001)
            known |= begun
            for pid in begun:
                os.kill(pid, signal.SIGKILL)
            await run.program.event("gateway process did not start")
        served = await run.program.event("gateway process serving")
        ready = await run.until("/readyz", gateways={"accepting": 2, "of": 2})

    assert (served["gateway"], ready["status"]) == (0, "ready")


async def test_no_process_outlives_a_killed_parent(arms: tuple[Upstream, Upstream], tmp_path: Path) -> None:
    async with running(two(tmp_path, arms)) as run:
        load = Load(run.port, keep=0, fresh=8)
        loading = spawn(load.run(), name="load")
        gateways = list(run.gateways.values())
        while not all(analyzers := [children(pid) for pid in gateways]):  # noqa: ASYNC110 - processes start
            await asyncio.sleep(0.01)
        run.program.process.kill()
        await loading
        family = [*gateways, *(pid for pids in analyzers for pid in pids)]
        while any(map(alive, family)):  # noqa: ASYNC110 - processes end
            await asyncio.sleep(0.01)

    assert len(family) >= 4


async def test_another_deployments_shared_port_counts_as_taken(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    async with running(two(tmp_path, arms)) as run:
        other = write_config(
            tmp_path / "other.yaml",
            *(arm.url for arm in arms),
            listen=f"127.0.0.1:{run.port}",
            gateway={"workers": 2, "shed_lag": 60.0},
        )
        program = await start("run", other)
        _, err = await program.process.communicate()

    assert program.process.returncode == 1
    assert f"listen: cannot listen on 127.0.0.1:{run.port}".encode() in err
