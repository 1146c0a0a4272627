"""What analyzers ask reaches the arms' real servers within every bound, and everything it meets is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from analyzers.finding import Probe
from proxy import probes
from proxy.config import Arm, Candidate, Config, Extra, ModelNames
from proxy.config import Probes as Settings
from proxy.gateway.arms.arm import Arm as RunningArm
from proxy.gateway.arms.exposition import Load
from proxy.probes import Prober
from proxy.telemetry import Telemetry
from proxy.workers.job import Replies
from tests.workers.pool_harness import captured


class Upstream:
    """A server that keeps what it is asked and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.status = 200
        self.answer: Any = {"count": 3, "usage": {"total_tokens": 40}}
        self.hold = asyncio.Event()
        self.hold.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, orjson.loads(await request.read()), dict(request.headers)))
        await self.hold.wait()
        return web.json_response(self.answer, status=self.status)


class Stand:
    """A prober before one server for both arms."""

    def __init__(self, upstream: Upstream, url: str, **extra: Any) -> None:
        self.upstream = upstream
        self.telemetry = Telemetry()
        settings = Config(
            baseline=Arm(url=(url,)),
            candidate=Candidate(url=(url,), extra=Extra(**extra), api_key_env="PROBED_KEY"),
            models={"m": ModelNames(candidate="m-int4")},
            probes={"needy": Settings(tokens_per_second=100)},
        )
        self.arms = {
            name: RunningArm(
                name,
                settings.baseline if name == "baseline" else settings.candidate,
                self.telemetry,
                share=1.0,
                now=monotonic(),
            )
            for name in ("baseline", "candidate")
        }
        self.prober = Prober(settings, self.arms, self.telemetry)

    async def ask(self, *asked: Probe, analyzer: str = "needy") -> Replies | None:
        done: asyncio.Future[Replies | None] = asyncio.get_running_loop().create_future()
        self.prober.ask(analyzer, captured(), asked, done.set_result)
        return await done

    def count(self, name: str, **labels: str) -> float:
        return self.telemetry.registry.get_sample_value(f"slipgauge_{name}_total", labels) or 0.0

    def result(self, result: str, arm: str = "candidate") -> float:
        return self.count("probes", arm=arm, analyzer="needy", result=result)


@pytest_asyncio.fixture
async def stand(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stand]:
    monkeypatch.setenv("PROBED_KEY", "secret")
    upstream, app = Upstream(), web.Application()
    app.router.add_route("*", "/{path:.*}", upstream.handle)
    async with TestServer(app) as server:
        made = Stand(upstream, str(server.make_url("")).rstrip("/"))
        try:
            yield made
        finally:
            upstream.hold.set()
            await made.prober.close()


def probe(arm: str = "candidate", path: str = "/v1/completions", **body: Any) -> Probe:
    return Probe(arm, path, {"model": "m", "prompt": "hi", **body})


async def test_a_probe_goes_to_its_arm_by_the_arms_names_and_key(stand: Stand) -> None:
    replies = await stand.ask(probe(stream=True), probe("baseline", "/tokenize"))
    assert replies is not None
    assert [(status, orjson.loads(body)["count"]) for status, body in replies] == [(200, 3), (200, 3)]
    (path, body, headers), (other, tokenized, plain) = sorted(stand.upstream.asked, reverse=True)
    assert (path, other) == ("/v1/completions", "/tokenize")
    assert body == {"model": "m-int4", "prompt": "hi", "stream": False}
    assert tokenized["model"] == "m"
    assert (headers["Authorization"], headers["X-Slipgauge-Leg"]) == ("Bearer secret", "probe")
    assert "Authorization" not in plain
    assert (stand.result("answered"), stand.result("answered", "baseline")) == (1, 1)
    assert stand.count("extra_tokens", arm="candidate", purpose="probe") == 40
    assert stand.count("extra_tokens", arm="baseline", purpose="probe") == 0


async def test_a_4xx_is_an_answer_and_costs_nothing(stand: Stand) -> None:
    stand.upstream.status = 404
    replies = await stand.ask(probe())
    assert replies is not None
    assert replies[0][0] == 404
    assert stand.result("unsupported") == 1
    assert stand.count("extra_tokens", arm="candidate", purpose="probe") == 0


@pytest.mark.parametrize("status", [302, 429, 500, 503])
async def test_a_server_that_does_not_answer_gives_nothing_and_is_not_ejected(stand: Stand, status: int) -> None:
    stand.upstream.status = status
    for _ in range(10):
        assert await stand.ask(probe(path="/tokenize")) is None
    assert stand.result("failed") == 10
    assert stand.arms["candidate"].servers.usable


@pytest.mark.parametrize(
    "asked",
    [
        probe(path="/v1/files"),
        probe(path="/v1/chat/completions?key=1"),
        probe(model="other"),
        probe(model=None),
        probe(model=["m"]),
        probe(tools=[{"type": "web_search"}]),
        probe(previous_response_id="x"),
        probe(kv_transfer_params={"do_remote_prefill": True}),
    ],
)
async def test_what_an_analyzer_may_not_ask_is_not_asked(stand: Stand, asked: Probe) -> None:
    assert await stand.ask(asked) is None
    assert stand.upstream.asked == []
    assert stand.result("refused") == 1


async def test_the_analyzers_own_budget_is_paid_afterwards(stand: Stand) -> None:
    stand.upstream.answer = {"usage": {"total_tokens": 10_000}}
    assert await stand.ask(probe()) is not None
    assert await stand.ask(probe()) is None
    assert stand.result("budget") == 1
    assert await stand.ask(probe(), analyzer="other") is None  # one without a budget may ask nothing


async def test_a_pressed_arm_is_asked_nothing(stand: Stand) -> None:
    arm = stand.arms["candidate"]
    arm.said(arm.servers.all[0], Load(waiting=100, kv_usage=0.1), monotonic())
    assert await stand.ask(probe()) is None
    assert stand.upstream.asked == []
    assert stand.result("pressure") == 1
    assert stand.count("extra_refused", arm="candidate", purpose="probe", reason="pressure") == 1
    assert await stand.ask(probe("baseline")) is not None


async def test_an_answer_that_outgrows_its_bound_is_none(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "ANSWER_BYTES", 10)
    assert await stand.ask(probe()) is None
    assert stand.result("too_large") == 1


async def test_silence_ends_at_the_deadline(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "DEADLINE", 0.05)
    stand.upstream.hold.clear()
    assert await stand.ask(probe()) is None
    assert stand.arms["candidate"].servers.all[0].outstanding == 0


async def test_only_so_many_pairs_are_seen_to_at_once(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PAIRS", 1)
    stand.upstream.hold.clear()
    first: asyncio.Future[Replies | None] = asyncio.get_running_loop().create_future()
    stand.prober.ask("needy", captured(), [probe()], first.set_result)
    assert await stand.ask(probe()) is None
    assert stand.result("busy") == 1
    await stand.prober.close()
    assert await first is None
