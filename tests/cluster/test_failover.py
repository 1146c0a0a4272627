"""The control that leads, killed in mid-rollout again and again: no step is taken twice, no rollback is lost."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.tasks import spawn
from tests.apart.stand import Apart, deployed, until
from tests.cli.upstream import ANSWER
from tests.cluster.load import Load

KILLS = int(os.environ.get("SLIPGAUGE_CLUSTER_KILLS", "20"))
STEPS = (0.2, 0.5)


class Arm:
    """A server that fails every request while it is `bad`."""

    def __init__(self) -> None:
        self.bad = False
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/health", self._health)
        self.server = TestServer(app)

    async def _chat(self, request: web.Request) -> web.Response:
        await request.read()
        if self.bad:
            return web.Response(status=500)
        return web.Response(body=orjson.dumps(ANSWER), content_type="application/json")

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()


@pytest.fixture
async def arms() -> AsyncIterator[tuple[Arm, Arm]]:
    pair = (Arm(), Arm())
    for arm in pair:
        await arm.server.start_server()
    yield pair
    for arm in pair:
        await arm.server.close()


async def restarted(apart: Apart, revision: int) -> None:
    """Every control anew, for another revision of the candidate."""
    apart.changes["candidate"] = apart.changes["candidate"] | {"revision": str(revision)}
    await asyncio.gather(*(control.end() for control in apart.controls))
    await asyncio.gather(*(control.start() for control in apart.controls))


async def stage(apart: Apart) -> str:
    told = (await (await apart.leader()).ask("/stage"))[1]
    return str(told["stage"]) if isinstance(told, dict) and "stage" in told else "unknown"


async def audit(apart: Apart, revision: int) -> list[str]:
    """What has happened to this revision, in order."""
    _, told = await (await apart.leader()).ask("/audit?limit=1000")
    return [each["action"] for each in reversed(told["entries"]) if each["revision"] == str(revision)]


def seconds_after_the_verdict(apart: Apart) -> list[float]:
    """From the last verdict that rolled back to each gateway's giving the candidate nothing more."""
    lines = [
        line for control in apart.controls for line in control.lines("rollout") if line["action"] == "rollback"
    ]
    decided = max(moment(line) for line in lines)
    found = []
    for gateway in apart.gateways:
        ended = [moment(line) for line in gateway.lines("the candidate's share of sessions") if line["share"] == 0]
        found += [(at - decided).total_seconds() for at in ended if at >= decided][:1]
    return found


def moment(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["timestamp"])


@pytest.mark.timeout(1_800)
async def test_the_leader_may_be_killed_at_any_moment_of_a_rollout(tmp_path: Path, arms: tuple[Arm, Arm]) -> None:
    chance, urls = (
        random.Random(8),
        (f"http://127.0.0.1:{arms[0].server.port}", f"http://127.0.0.1:{arms[1].server.port}"),
    )
    step = {"seconds": 2.0, "sessions": 20}
    async with deployed(
        tmp_path,
        urls,
        gateways=2,
        controls=2,
        candidate={"url": urls[1], "extra": {"tokens_per_second": None}, "ejection": {"failures": 1_000_000}},
        canary={"breaker": {"failures": 1_000_000}},
        analysis={"enabled": ["served"]},
        guardrails={"served": {"margin": 0.2}},
        rollout={"advance": "auto", "shadow": step, "canary": [{"weight": each, **step} for each in STEPS]},
        verdict={"watermark": 10.0},
    ) as apart:
        load = Load({each.name: each.port for each in apart.gateways}, clients=4, total=1_000_000, rate=60)
        loading = spawn(load.run(), name="load")
        delays, killed_in = list[float](), list[str]()
        for number in range(1, KILLS + 1):
            slips = number % 2 == 0
            arms[1].bad = False
            await restarted(apart, number)

            async def canary() -> bool:
                return await stage(apart) == "canary"

            async def over(end: str = "rolled_back" if slips else "promoted") -> bool:
                return await stage(apart) == end

            await apart.leader()
            if slips:
                await until(canary)
                arms[1].bad = True
            await asyncio.sleep(chance.uniform(0.0, 1.5 if slips else 5.0))
            leader = await apart.leader()
            killed_in.append(await stage(apart))
            await leader.kill()
            starting = spawn(leader.start(), name="start")
            await until(over)
            await starting
            await asyncio.sleep(1.0)
            happened = await audit(apart, number)
            print(f"{number:>3}: killed in {killed_in[-1]:<12} {', '.join(happened)}")
            steps = [each for each in happened if each not in ("weight", "identity")]
            assert steps.count("begin") == 1
            if slips:
                assert steps.count("rollback") == 1
                assert steps[-1] == "rollback"
                delays += seconds_after_the_verdict(apart)
            else:
                assert steps == ["begin", "advance", "advance", "promote"]
            assert await over()
        load.stop()
        await loading

    print(f"{len(delays)} times a gateway followed a rollback: at most {max(delays):.2f} s after the verdict")
