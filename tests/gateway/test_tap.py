# ruff: noqa: ARG001 - an answer takes what every answer is given
"""Slipgauge as the target of another proxy's mirror: both arms are asked, and nobody is told."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from tests.arms.until import until
from tests.gateway.peer import (
    Peer,
    Reader,
    Received,
    Writer,
    always,
    ask,
    closing,
    plain,
    post,
    read_response,
    serving,
    silent,
    streamed,
)
from tests.gateway.stands import Stands

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m","messages":[]}'
EVENTS = [b"data: %d\n\n" % n for n in range(5)]


async def test_a_tapped_request_is_accepted_and_asked_of_both_arms(stand: Stands) -> None:
    async with (
        serving(streamed(EVENTS)) as baseline,
        serving(streamed(EVENTS[:2])) as other,
        stand(baseline.address, other.address, tap=True, mirror={"repeat": 1.0, "coupled_seed": True}) as s,
    ):
        response = await ask(s.port, post(CHAT, ASK, extra="Authorization: Bearer k\r\nX-Slipgauge-Gold: 4\r\n"))
        assert (response.status, response.body) == (202, b"")
        assert await s.settled() == {"paired": 1}
        first, repeat = baseline.requests
        (mirror,) = other.requests
        for each in (first, repeat, mirror):
            del each.headers[b"host"]
        for each in (first, repeat):
            assert (each.headers, each.body) == (mirror.headers, mirror.body)
        assert mirror.headers[b"x-slipgauge-leg"] == b"mirror"
        assert b"authorization" not in mirror.headers
        assert "seed" in orjson.loads(mirror.body)
        ((pair, _),) = s.pairs
        assert (pair.baseline.body, pair.candidate.body) == (b"".join(EVENTS), b"".join(EVENTS[:2]))
        assert pair.repeat is not None
        assert (pair.primary, pair.inclusion, pair.headers) == ("baseline", 1.0, {})
        assert s.gateway._services.mirrors_in_flight == 0
        assert s.gateway._services.held.used == 0


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/models", b""), (CHAT, b'{"model":"other"}'), ("/x", b"y" * 100_000)]
)
async def test_what_may_not_be_mirrored_is_accepted_and_forgotten(stand: Stands, path: str, body: bytes) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address, tap=True) as s,
    ):
        assert (await ask(s.port, post(path, body))).status == 202
        assert await s.settled() == {}
        assert baseline.requests == []


@pytest.mark.parametrize("size", [2_000, 3_000_000])  # whole in one read, and not
async def test_a_body_too_large_to_hold_is_read_past_and_its_loss_counted(stand: Stands, size: int) -> None:
    body = orjson.dumps({"messages": ["x" * size], "model": "m"})
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address, tap=True, mirror={"request_bytes": 1_000}) as s,
    ):
        assert (await ask(s.port, post(CHAT, body))).status == 202
        assert await s.settled() == {"dropped_request_bytes": 1}
        assert baseline.requests == []


async def test_pipelined_requests_are_all_accepted(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address, tap=True, mirror={"sample": 0.0}) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, ASK) * 2_000)
        for _ in range(2_000):
            assert (await read_response(reader)).status == 202
        writer.close()
        assert await s.settled() == {"not_sampled": 2_000}


async def test_a_proxy_that_leaves_at_once_aborts_nothing(stand: Stands) -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def late(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        asked.set()
        await release.wait()
        writer.write(plain(b"ok"))

    async with (
        serving(late) as baseline,
        serving(always(plain(b"ok"))) as other,
        stand(baseline.address, other.address, tap=True) as s,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, ASK))
        await asked.wait()
        writer.transport.abort()
        await until(lambda: not s.gateway._services.clients)
        release.set()
        assert await s.settled() == {"paired": 1}


@pytest.mark.parametrize(
    ("baseline_says", "candidate_says", "state"),
    [
        (plain(b"", status="500 Oops"), plain(b"ok"), "unserved_baseline"),
        (plain(b"ok"), plain(b"", status="500 Oops"), "unserved_candidate"),
        (plain(b"", status="422 No"), plain(b"ok"), "dropped_rejected"),
        (plain(b"x" * 5_000), plain(b"ok"), "truncated"),
        (b"garbage\r\n\r\n", b"garbage\r\n\r\n", "unserved_both"),
    ],
)
async def test_the_pair_of_a_tapped_request_ends_as_any_other(
    stand: Stands, baseline_says: bytes, candidate_says: bytes, state: str
) -> None:
    async with (
        serving(closing(baseline_says)) as baseline,
        serving(closing(candidate_says)) as other,
        stand(baseline.address, other.address, tap=True, mirror={"answer_bytes": 1_000}) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).status == 202
        assert await s.settled() == {state: 1}
        if state == "dropped_rejected":
            assert other.requests == []


async def test_both_legs_of_a_tapped_request_are_bounded(stand: Stands) -> None:
    async with (
        serving(silent) as baseline,
        serving(silent) as other,
        stand(
            baseline.address,
            other.address,
            tap=True,
            mirror={"in_flight": 4, "start_after": 0.01},
        ) as s,
    ):
        for _ in range(6):
            assert (await ask(s.port, post(CHAT, ASK))).status == 202
        s.pass_deadline()
        states = await s.settled()
        assert states["dropped_mirror_busy"] >= 2
        assert states.get("unserved_both", 0) + states["dropped_mirror_busy"] == 6
        await baseline.until(lambda: baseline.open == 0)
        await other.until(lambda: other.open == 0)


async def test_a_drain_waits_for_the_pairs_of_tapped_requests(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, tap=True, mirror={"deadline": 1.0}) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        await s.gateway.stop()
        assert await s.settled() == {"unserved_candidate": 1}
