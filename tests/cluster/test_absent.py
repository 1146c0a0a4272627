"""NATS wholly absent for a minute under load: what clients feel of it, what is dropped, and what comes back."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from proxy.tasks import spawn
from tests.apart.stand import deployed, until
from tests.cluster.load import Load, quantile
from tests.cluster.test_kills import SERVED, Stream

SECONDS = float(os.environ.get("SLIPGAUGE_CLUSTER_SECONDS", "60"))
RATE = 100.0
WINDOW = 1_000
"""Less than what comes in the time, so that some of it must be dropped."""


@pytest.mark.timeout(900)
async def test_nats_may_be_absent_for_a_minute(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with deployed(
        tmp_path,
        urls,
        window=WINDOW,
        analysis={"enabled": list(SERVED)},
        guardrails={name: {"margin": 0.2} for name in SERVED},
        verdict={"watermark": 30.0},
    ) as apart:
        (gateway,), (server,) = apart.gateways, apart.cluster.servers
        load = Load({gateway.name: gateway.port}, clients=8, total=1_000_000, rate=RATE)
        loading = spawn(load.run(), name="load")
        await load.until(200)
        spans = []
        for phase in range(4):  # with, without, with, without: so that a machine that slows down shows
            if phase % 2:
                await server.kill()
            elif phase:
                await server.start()
                await apart.leader()
            began = time.monotonic()
            await asyncio.sleep(SECONDS / 2)
            spans.append((began, time.monotonic()))
        await server.start()
        load.stop()
        await loading
        await apart.leader()
        gate = load.gates[gateway.name]
        assert not gate.errors

        async def told() -> bool:
            stored, states = await Stream.read(apart), (await gateway.ask("/ledger"))[1]["states"]
            return bool(stored.reports + await dropped() >= states["paired"])

        async def dropped() -> int:
            _, text = await gateway.ask("/metrics")
            lines = [
                line for line in text.splitlines() if line.startswith('slipgauge_queue_dropped_total{reason="ch')
            ]
            return int(float(lines[0].rpartition(" ")[2])) if lines else 0

        await until(told)
        stored, states = await Stream.read(apart), (await gateway.ask("/ledger"))[1]["states"]
        lost = await dropped()
        served = sum(states.values())

    p99 = [quantile([took for at, took in gate.latencies if a <= at < b], 0.99) for a, b in spans]
    p50 = [quantile([took for at, took in gate.latencies if a <= at < b], 0.50) for a, b in spans]
    with_nats, without = (p99[0] + p99[2]) / 2, (p99[1] + p99[3]) / 2
    print(f"p50 {[f'{each * 1e3:.2f} ms' for each in p50]}, p99 {[f'{each * 1e3:.2f} ms' for each in p99]}")
    print(
        f"p99 with NATS {with_nats * 1e3:.2f} ms, without {without * 1e3:.2f} ms, ratio {without / with_nats:.2f}"
    )
    print(f"{served} requests, {stored.reports} reports stored, {lost} dropped and counted")

    assert lost > 0
    assert stored.reports + lost == states["paired"] == served
    assert len(stored.sessions) == stored.reports
