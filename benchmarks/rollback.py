"""From the finding that decides to the last request that the candidate is sent: how long does a rollback take?

    python -m benchmarks.rollback [--rounds 10] [--weight 0.1] [--workers 2] [--quick] [--json FILE]

A whole deployment, in a canary stage before two servers that answer JSON. At some moment the candidate begins to
answer prose instead. Which session decides is worked out from the counts in the audit log and the test itself, and
its finding cannot be earlier than the candidate was asked for it: from then on the time is counted, until the last
request reaches the candidate for a client. Clients stay at work throughout, each session one request.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.figures import Target
from benchmarks.process import Process, free_ports
from benchmarks.report import finish, options
from proxy.tasks import cancel, spawn
from verdict.harm import Harm

MARGIN, ALPHA = 0.005, 0.01
CLIENTS = 8
PAUSE = 0.06
"""Seconds that a client rests between two requests, so that no pair waits long for an analyzer."""
GOOD = 300
"""Sessions before the candidate slips."""
QUIET = 1.0
"""Seconds without a request for a client after which the candidate has had its last."""
TIMEOUT = 60.0
CHAT = "/v1/chat/completions"


class Arm:
    """A server that answers JSON, until it slips."""

    def __init__(self) -> None:
        self.slips = False
        self.requests = 0
        self.last = 0.0
        """When it was last sent a request for a client."""
        self.asked: dict[str, float] = {}
        """When it was first asked for each session, since it slips."""
        app = web.Application()
        app.router.add_post(CHAT, self.chat)
        self.server = TestServer(app)

    async def chat(self, request: web.Request) -> web.Response:
        """One answer."""
        self.requests += 1
        now, session = time.monotonic(), (await request.json())["messages"][0]["content"]
        if "X-Slipgauge-Leg" not in request.headers:
            self.last = now
        text = "Certainly! Here it is." if self.slips else '{"a": 1}'
        message = {"role": "assistant", "content": text}
        if self.slips:
            self.asked.setdefault(session, now)
        return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def deciding(before: int) -> int:
    """Which session in a row must fail for the verdict, after so many good ones."""
    harm = Harm(MARGIN)
    for _ in range(before):
        harm.observe(0.0)
    for number in count(1):
        harm.observe(1.0)
        if harm.e_value >= 1 / ALPHA:
            return number
    raise AssertionError


def settings(arms: Mapping[str, Arm], ports: list[int], folder: Path, weight: float, workers: int) -> str:
    """The deployment's configuration: everything is mirrored, and JSON alone is judged."""
    return yaml.safe_dump(
        {
            "listen": f"127.0.0.1:{ports[0]}",
            "admin": {"listen": f"127.0.0.1:{ports[1]}"},
            "gateway": {"workers": workers},
            "models": {"m": {}},
            "mirror": {"sample": 1.0, "repeat": 0.0},
            "analysis": {"enabled": ["served", "json"]},
            "guardrails": {"json.invalid": {"margin": MARGIN}},
            "verdict": {"harm_alpha": ALPHA},
            "rollout": {"canary": [{"weight": weight}]},
            "store": {"path": str(folder / "state.db")},
            **{name: {"url": str(arm.server.make_url("")).rstrip("/")} for name, arm in arms.items()},
        }
    )


@asynccontextmanager
async def deployed(folder: Path, weight: float, workers: int) -> AsyncIterator[tuple[dict[str, Arm], list[int]]]:
    """The servers, and Slipgauge before them as a process of its own."""
    arms, ports = {"baseline": Arm(), "candidate": Arm()}, free_ports(2)
    async with AsyncExitStack() as stack:
        for arm in arms.values():
            await arm.server.start_server()
            stack.push_async_callback(arm.server.close)
        config = folder / "slipgauge.yaml"
        config.write_text(settings(arms, ports, folder, weight, workers))
        command = [sys.executable, "-c", "from proxy.cli import main; main()", "run", config]
        process = await asyncio.to_thread(Process, command, ports[0], folder / "log")
        stack.callback(process.stop)
        yield arms, ports


async def asked(session: aiohttp.ClientSession, url: str, numbers: Iterable[int]) -> None:
    """One client, each request a session of its own, until it is cancelled."""
    for number in numbers:
        body = {
            "model": "m",
            "messages": [{"role": "user", "content": f"{number}: answer in JSON"}],
            "response_format": {"type": "json_object"},
        }
        async with session.post(url + CHAT, json=body, headers={"X-Session-Id": str(number)}) as response:
            await response.read()
        await asyncio.sleep(PAUSE)


async def until(session: aiohttp.ClientSession, url: str, stage: str) -> None:
    """Wait for a stage."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            async with session.get(f"{url}/stage") as response:
                if (await response.json())["stage"] == stage:
                    return
            await asyncio.sleep(0.05)


async def when(met: Callable[[], bool]) -> None:
    """Wait until it is so."""
    while not met():  # noqa: ASYNC110 - it is looked at from outside, now and then
        await asyncio.sleep(0.02)


async def measured(weight: float, workers: int) -> dict[str, float]:
    """One rollback."""
    with tempfile.TemporaryDirectory(prefix="slipgauge-rollback-") as name:
        async with deployed(Path(name), weight, workers) as (arms, ports), aiohttp.ClientSession() as session:
            data, admin = (f"http://127.0.0.1:{port}" for port in ports)
            async with session.post(f"{admin}/stage/promote", json={"reason": "a benchmark"}) as response:
                response.raise_for_status()
            numbers = count()
            clients = [spawn(asked(session, data, numbers), name=f"client {n}") for n in range(CLIENTS)]
            try:
                await when(lambda: arms["candidate"].requests >= GOOD)
                began = time.monotonic()
                arms["candidate"].slips = True
                await until(session, admin, "rolled_back")
                await when(lambda: time.monotonic() - arms["candidate"].last >= QUIET)
            finally:
                for client in clients:
                    with contextlib.suppress(aiohttp.ClientError):
                        await cancel(client)
            async with session.get(f"{admin}/audit") as response:
                entries = (await response.json())["entries"]
        return reckoned(arms["candidate"], entries, began)


def reckoned(candidate: Arm, entries: list[dict[str, Any]], began: float) -> dict[str, float]:
    """What the rollback's audit entry and the candidate's record give."""
    [entry] = [each for each in entries if each["stage"] == "rolled_back"]
    [row] = entry["evidence"]
    failed = round(row["candidate_rate"] * row["sessions"])
    needed = deciding(row["sessions"] - failed)
    decided = sorted(candidate.asked.values())[needed - 1]
    return {
        "sessions_to_fail": needed,
        "slip_to_decision_s": decided - began,
        "decision_to_last_request_s": max(0.0, candidate.last - decided),
    }


def main() -> None:
    """Print each rollback, and the slowest beside its target."""
    parser = options("benchmarks.rollback", __doc__)
    parser.add_argument("--rounds", type=int, default=10, help="rollbacks")
    parser.add_argument("--weight", type=float, default=0.1, help="the candidate's share of sessions")
    parser.add_argument("--workers", type=int, default=2, help="gateway processes")
    chosen = parser.parse_args()
    rounds = []
    for _ in range(1 if chosen.quick else chosen.rounds):
        rounds.append(asyncio.run(measured(chosen.weight, chosen.workers)))
        print("  ".join(f"{name} {value:.3f}" for name, value in rounds[-1].items()), flush=True)
    took = [each["decision_to_last_request_s"] for each in rounds]
    print(f"from the decision to the last request: median {statistics.median(took):.3f} s")
    finish(
        chosen,
        {"rounds": rounds},
        [Target("slowest, from the decision to the last request, s", max(took), 1.0)],
        (),
    )


if __name__ == "__main__":
    main()
