"""What the legs of one request are asked: one seed for all, where that is on, and what a client opts out of."""

from __future__ import annotations

from itertools import chain

import orjson
import pytest

from tests.gateway.peer import always, ask, closing, plain, post, serving
from tests.gateway.stands import Stands

CHAT = "/v1/chat/completions"
ASK = b'{ "model":"m",  "messages":[] }'
COUPLED = {"coupled_seed": True, "repeat": 1.0}


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/responses"])
@pytest.mark.parametrize("weight", [0.0, 1.0])
async def test_every_leg_is_asked_with_the_same_fresh_seed(stand: Stands, path: str, weight: float) -> None:
    body = b'{"model":"m","input":"x","store":false}' if path == "/v1/responses" else ASK
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, mirror=COUPLED, weight=weight) as s,
    ):
        for _ in range(2):
            assert (await ask(s.port, post(path, body))).body == (b"cand" if weight else b"base")
            assert sum((await s.settled()).values()) == len(s.pairs)
        seeds = [orjson.loads(each.body)["seed"] for each in chain(baseline.requests, other.requests)]
        assert len(seeds) == 6
        assert len(set(seeds)) == 2
        assert all(0 <= seed < 2**31 for seed in seeds)
        assert orjson.loads(s.pairs[0][0].body) == {**orjson.loads(body), "seed": seeds[0]}
        assert all(each.body.endswith(body[1:]) for each in baseline.requests if path != "/v1/responses")


async def test_a_fallback_is_asked_with_the_seed_of_the_candidate(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(closing(b"")) as other,
        stand(baseline.address, other.address, mirror=COUPLED, weight=1.0) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == b"base"
        await s.settled()
        seeds = {orjson.loads(each.body)["seed"] for each in chain(baseline.requests, other.requests)}
        assert len(seeds) == 1


@pytest.mark.parametrize(
    ("path", "body", "sample"),
    [
        (CHAT, b'{"model":"m","seed":5}', 1.0),
        ("/v1/messages", ASK, 1.0),
        ("/v1/embeddings", ASK, 1.0),
        (CHAT, ASK, 0.0),
        (CHAT, b'{"model":"other"}', 1.0),
    ],
)
async def test_what_needs_no_seed_is_asked_as_it_came(stand: Stands, path: str, body: bytes, sample: float) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, mirror={"coupled_seed": True, "sample": sample}) as s,
    ):
        await ask(s.port, post(path, body))
        await s.settled()
        assert all(each.body == body for each in chain(baseline.requests, other.requests))


async def test_a_request_that_asks_not_to_be_mirrored_is_passed_on_and_counted(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        response = await ask(s.port, post(CHAT, ASK, extra="X-Slipgauge-Mirror: no\r\n"))
        assert response.body == b"base"
        assert await s.settled() == {"not_sampled": 1}
        assert other.requests == []


async def test_what_is_said_to_slipgauge_reaches_the_analyzers_and_no_server(stand: Stands) -> None:
    extra = "X-Slipgauge-Store: no\r\nX-Slipgauge-Made-Up: x\r\nX-SLIPGAUGE-MIRROR: yes\r\n"
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, mirror={"repeat": 1.0}) as s,
    ):
        await ask(s.port, post(CHAT, ASK, extra=extra))
        await ask(s.port, post("/v1/models", b"", extra=extra))
        assert await s.settled() == {"paired": 1}
        assert s.pairs[0][0].headers == {
            "x-slipgauge-store": "no",
            "x-slipgauge-made-up": "x",
            "x-slipgauge-mirror": "yes",
        }
        for each in chain(baseline.requests, other.requests):
            assert {name for name in each.headers if name.startswith(b"x-slipgauge-")} <= {b"x-slipgauge-leg"}


@pytest.mark.parametrize("path", [CHAT, "/v1/models"])
async def test_a_client_that_poses_as_a_leg_is_refused(stand: Stands, path: str) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        stand(baseline.address, baseline.address) as s,
    ):
        response = await ask(s.port, post(path, ASK, extra="x-Slipgauge-leg: primary\r\n"))
        assert (response.status, orjson.loads(response.body)["error"]["code"]) == (400, "leg_header")
        assert baseline.requests == []


async def test_every_leg_belongs_to_the_clients_trace_and_nothing_says_who_it_is(stand: Stands) -> None:
    trace = {b"traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b"tracestate": b"a=b"}
    extra = "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in trace.items())
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        await ask(s.port, post(CHAT, ASK, extra=f"{extra}baggage: user=7\r\n"))
        await s.settled()
        (primary,), (mirror,) = baseline.requests, other.requests
        assert trace.items() <= primary.headers.items()
        assert trace.items() <= mirror.headers.items()
        assert primary.headers[b"baggage"] == b"user=7"
        assert b"baggage" not in mirror.headers
