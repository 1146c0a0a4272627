"""Two servers an arm, on real sockets: how requests are shared, and what clients see when one goes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from proxy.tasks import cancel, spawn
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
)
from tests.gateway.stands import Stand, standing

CHAT = "/v1/chat/completions"
ASK = post(CHAT, b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
EJECTION = {"failures": 3, "pause": 0.05, "max_pause": 0.2}
LASTING = {"failures": 3, "pause": 60.0}
"""Where failures are counted: how many trials there are must not depend on how long the requests take."""
ALONE = {"sample": 0.0}


def metric(stand: Stand, name: str, peer: Peer, arm: str = "baseline", **labels: str) -> float:
    server = f"127.0.0.1:{peer.port}"
    labels = {"arm": arm, "server": server, **labels}
    return stand.telemetry.registry.get_sample_value(f"slipgauge_{name}", labels) or 0.0


async def test_requests_under_way_are_spread_over_the_servers() -> None:
    async with (
        serving(silent) as one,
        serving(silent) as two,
        serving(silent) as three,
        standing({"url": [one.address, two.address, three.address]}, "http://127.0.0.1:1", mirror=ALONE) as s,
    ):
        asking = [spawn(ask(s.port, ASK), name="ask") for _ in range(30)]
        for peer in (one, two, three):
            await peer.until(lambda peer=peer: len(peer.requests) == 10)  # type: ignore[misc]
            await until(lambda peer=peer: metric(s, "upstream_outstanding", peer) == 10)  # type: ignore[misc]
        await cancel(*asking)
        for peer in (one, two, three):
            await until(lambda peer=peer: metric(s, "upstream_outstanding", peer) == 0)  # type: ignore[misc]


async def test_a_server_that_dies_under_load_costs_no_request_but_those_it_was_answering_and_comes_back() -> None:
    statuses: list[int] = []

    async def client(port: int, going: list[bool]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while going[0]:
            writer.write(ASK)
            response = await read_response(reader)
            statuses.append(response.status)
            if response.header(b"connection") == b"close":
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    answer = always(plain(b'{"a":1}'))
    async with AsyncExitStack() as dying:
        one = await dying.enter_async_context(serving(answer))
        async with (
            serving(answer) as two,
            standing({"url": [one.address, two.address], "ejection": EJECTION}, one.address, mirror=ALONE) as s,
        ):
            going = [True]
            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(client(s.port, going))
                await until(lambda: len(one.requests) > 50 and len(two.requests) > 50)
                in_flight = len(one.requests) + len(two.requests) - len(statuses)
                await dying.aclose()
                before = len(statuses)
                await until(lambda: len(statuses) > before + 300)
                assert metric(s, "upstream_ejections_total", one, reason="connect") >= 1
                await until(lambda: metric(s, "upstream_up", one) == 0)
                async with serving(answer, port=one.port) as again:
                    await until(lambda: len(again.requests) > 50)
                    await until(lambda: metric(s, "upstream_up", one) == 1)
                    going[0] = False
                    await until(lambda: metric(s, "upstream_outstanding", one) == 0)
    failed = [status for status in statuses if status != 200]
    assert len(failed) <= in_flight <= 8
    assert set(failed) <= {502}


@pytest.mark.parametrize("fault", [closing(b""), always(plain(b"", status="503 Busy"))])
async def test_a_server_that_fails_each_request_is_left_out_but_for_its_trials(fault: object) -> None:
    async with (
        serving(fault) as bad,  # type: ignore[arg-type]
        serving(always(plain(b"ok"))) as good,
        standing({"url": [bad.address, good.address], "ejection": LASTING}, bad.address, mirror=ALONE) as s,
    ):
        statuses = [(await ask(s.port, ASK)).status for _ in range(100)]
        assert statuses.count(200) >= 90
        assert metric(s, "upstream_ejections_total", bad, reason="reset") + metric(
            s, "upstream_ejections_total", bad, reason="status"
        )


async def test_with_every_server_gone_the_client_is_told_and_the_first_to_return_serves() -> None:
    async with serving(always(b"")) as one, serving(always(b"")) as two:
        pass
    async with standing({"url": [one.address, two.address], "ejection": EJECTION}, one.address, mirror=ALONE) as s:
        assert [(await ask(s.port, ASK)).status for _ in range(10)] == [502] * 10
        async with serving(always(plain(b"ok")), port=two.port):
            assert [(await ask(s.port, ASK)).status for _ in range(10)] == [200] * 10


async def test_a_server_whose_health_fails_gets_no_request_until_it_is_well() -> None:
    well = [True]

    async def answer(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        ill = received.path == b"/health" and not well[0]
        await always(plain(b"", status="503 Loading") if ill else plain(b"ok"))(peer, received, reader, writer)

    async with (
        serving(answer) as one,
        serving(always(plain(b"ok"))) as two,
        standing({"url": [one.address, two.address], "health": {"every": 0.01}}, one.address, mirror=ALONE) as s,
    ):
        well[0] = False
        await until(lambda: metric(s, "upstream_ejections_total", one, reason="health") == 1)
        for _ in range(10):
            assert (await ask(s.port, ASK)).status == 200
        assert {request.path for request in one.requests} == {b"/health"}
        well[0] = True
        await until(lambda: metric(s, "upstream_up", one) == 1)
        for _ in range(10):
            assert (await ask(s.port, ASK)).status == 200
        assert len([request for request in one.requests if request.path != b"/health"]) == 5


async def test_a_mirror_goes_to_the_candidate_s_other_server_where_one_is_gone() -> None:
    async with serving(always(b"")) as gone:
        pass
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        standing(baseline.address, {"url": [gone.address, candidate.address], "ejection": EJECTION}) as s,
    ):
        for _ in range(10):
            assert (await ask(s.port, ASK)).status == 200
        assert await s.settled() == {"paired": 10}
        assert {r.headers[b"host"] for r in candidate.requests} == {f"127.0.0.1:{candidate.port}".encode()}
