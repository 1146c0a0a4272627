"""Each kind of process killed under load, and one NATS server cut off: who loses what, and what is counted."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.channel.counts import loads as counts_of
from proxy.channel.window import read as messages_of
from proxy.report import PAIRED, Report
from proxy.tasks import spawn
from tests.apart.stand import Apart, deployed, until
from tests.channel.stand import stream
from tests.cluster.load import Load

REQUESTS = int(os.environ.get("SLIPGAUGE_CLUSTER_REQUESTS", "50000"))
RATE = float(os.environ.get("SLIPGAUGE_CLUSTER_RATE", "250"))
KILLED = "gateway-0"
SERVED = ("served", "degeneration", "truncation")


class Stream:
    """What the reports' stream holds, read by the test itself."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        """Of pairs that `served` has a finding of."""
        self.reports = 0
        self.counts: dict[str, dict[str, int]] = {}
        """By incarnation of a gateway, the last that it told: requests by state, and `total`."""

    @classmethod
    async def read(cls, apart: Apart) -> Stream:
        found, link = cls(), apart.link()
        link.start()
        async for message in stream(link):
            if message.subject == link.names.counts:
                found._count(message.body)
            else:
                for report in messages_of(message.body):
                    if isinstance(report, Report) and not report.further and report.state in PAIRED:
                        found.reports += 1
                        if any(finding.variable == "served" for finding in report.findings):
                            found.sessions.add(report.session)
        await link.close()
        return found

    def _count(self, body: bytes) -> None:
        counts = counts_of(body)
        states = {"total": 0}
        for (name, labels), values in counts.series.items():
            if name == "slipgauge_eligible":
                states["total"] += int(values.get(0, 0))
            elif name == "slipgauge_ledger":
                states[labels[0]] = states.get(labels[0], 0) + int(values.get(0, 0))
        self.counts[counts.incarnation] = states


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def disturb(apart: Apart, load: Load) -> None:
    """Kill one after the other, each at its share of the load."""
    gateway, worker_of = apart.gateways[0], apart.gateways[1]

    async def at(share: float, what: str) -> None:
        await load.until(int(share * REQUESTS))
        print(f"{load.answered:>7,} answered: {what}")

    await at(0.15, "kill a gateway")
    await gateway.kill()
    await asyncio.sleep(2)
    await gateway.start()
    await at(0.30, "kill the control that leads")
    leader = await apart.leader()
    await leader.kill()
    await apart.leader(but=leader)
    await leader.start()
    await at(0.45, "kill the control that stands by")
    await leader.kill()
    await leader.start()
    await at(0.55, "kill an analyzer process")
    assert worker_of.process is not None
    os.kill(children(worker_of.process.pid)[0], signal.SIGKILL)
    await at(0.65, "kill a NATS server")
    await apart.cluster.servers[0].kill()
    await asyncio.sleep(5)
    await apart.cluster.servers[0].start()
    await at(0.80, "cut a NATS server off for 15 seconds")
    apart.cluster.servers[1].cut_off()
    await asyncio.sleep(15)
    apart.cluster.servers[1].reconnect()


async def settled(apart: Apart) -> Mapping[str, Any]:
    """What the leader says once every gateway's requests have ended and all was folded."""

    async def done() -> bool:
        leader = await apart.leader()
        _, told = await leader.ask("/ledger")
        stored = await Stream.read(apart)
        _, verdict = await leader.ask("/verdict")
        if not isinstance(told, dict) or not isinstance(verdict, dict):
            return False
        sessions = next(row["sessions"] for row in verdict["guardrails"] if row["name"] == "served")
        return bool(told["open"] == 0 and sessions >= len(stored.sessions))

    await until(done)
    return (await (await apart.leader()).ask("/ledger"))[1]  # type: ignore[no-any-return]


@pytest.mark.timeout(1_800)
async def test_each_kind_of_process_may_be_killed(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with deployed(
        tmp_path,
        urls,
        gateways=3,
        controls=2,
        servers=3,
        analysis={"enabled": list(SERVED)},
        guardrails={name: {"margin": 0.2} for name in SERVED},
        mirror={"sample": 1.0, "repeat": 0.0, "in_flight": 512},
        verdict={"watermark": 30.0},
    ) as apart:
        load = Load({each.name: each.port for each in apart.gateways}, clients=8, total=REQUESTS, rate=RATE)
        loading = spawn(load.run(), name="load")
        await disturb(apart, load)
        await loading
        ledger = await settled(apart)
        stored = await Stream.read(apart)
        _, verdict = await (await apart.leader()).ask("/verdict")
        own = {each.name: (await each.ask("/ledger"))[1] for each in apart.gateways}

    (row,) = [each for each in verdict["guardrails"] if each["name"] == "served"]
    first = next(told for name, told in stored.counts.items() if name.startswith(KILLED))  # told for it, too
    gate = load.gates[KILLED]
    unread = gate.sent - first["total"] - own[KILLED]["total"]
    print({name: {"answered": each.answered, "errors": dict(each.errors)} for name, each in load.gates.items()})
    print("ledger", {state: count for state, count in ledger["states"].items() if count}, "total", ledger["total"])
    print(f"killed gateway: {first}; {unread} requests sent to it that it had not read")
    paired = first["paired"] + sum(each["states"]["paired"] for each in own.values())
    print(f"pairs that it had made and not told of: {paired - stored.reports}")
    print(f"stream: {stored.reports} reports of pairs, {len(stored.sessions)} sessions; folded {row['sessions']}")

    assert all(not each.errors for name, each in load.gates.items() if name != KILLED)
    assert sum(gate.errors.values()) <= 8  # no more than the connections it had
    assert ledger["balanced"]
    for name, each in load.gates.items():
        if name != KILLED:
            assert own[name]["total"] == each.sent
            assert own[name]["open"] == 0
    assert ledger["total"] == first["total"] + sum(each["total"] for each in own.values())
    lost = first["total"] - sum(count for state, count in first.items() if state != "total")
    assert ledger["states"]["lost_with_process"] == lost
    assert 0 <= unread <= sum(gate.errors.values())
    assert row["sessions"] == len(stored.sessions) == stored.reports
