# ruff: noqa: ARG001 - an answer takes what every answer is given
"""When sampled requests arrived, and which of them may still be told of."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from proxy.gateway.arrivals import Arrivals
from tests.gateway.peer import Peer, Reader, Received, Writer, always, ask, plain, post, serving, silent
from tests.gateway.stands import Stands
from tests.gateway.test_mirror import ASK, CHAT


@given(st.lists(st.integers(0, 20)))
def test_nothing_before_the_low_watermark_is_open(script: list[int]) -> None:
    arrivals, still = Arrivals(), list[int]()
    for step in script:
        low = arrivals.low()
        if step < len(still):
            arrivals.leave(still.pop(step))
        else:
            still.append(arrivals.enter())
            assert still[-1] >= low
        assert all(low <= each for each in still)
        assert arrivals.low() >= low
    assert still == sorted(still)
    for each in still:
        arrivals.leave(each)
    assert arrivals.low() > max(still, default=0)


async def test_a_client_that_leaves_after_the_mirror_was_sent_leaves_a_pair_behind(stand: Stands) -> None:
    async def half(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await reader.read()

    async with (
        serving(half) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        services = s.gateway._services
        _, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, ASK))
        await other.until(lambda: len(other.requests) == 1)
        while services.mirrors_in_flight:  # noqa: ASYNC110 - a leg tells nobody when it ends
            await asyncio.sleep(0)
        writer.close()
        assert await s.settled() == {"client_abort": 1}
        pair, state = s.pairs[0]
        assert (state, pair.primary) == ("client_abort", "baseline")
        assert (pair.baseline.end, pair.baseline.body) == ("aborted", b"")
        assert (pair.candidate.end, pair.candidate.body) == ("complete", b"cand")
        assert s.gateway.arrivals.low() == pair.arrival, "until its report is published"


async def test_a_client_that_leaves_before_the_mirror_was_sent_leaves_nothing(stand: Stands) -> None:
    async with (
        serving(silent) as baseline,
        stand(baseline.address, baseline.address, mirror={"start_after": 60.0}) as s,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, ASK))
        await baseline.until(lambda: len(baseline.requests) == 1)
        writer.close()
        assert await s.settled() == {"client_abort": 1}
        assert s.pairs == []
        assert not s.gateway.arrivals._open


async def test_a_rejected_request_leaves_nothing(stand: Stands) -> None:
    async with (
        serving(always(plain(b"{}", status="422 Unprocessable"))) as baseline,
        stand(baseline.address, baseline.address) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        assert await s.settled() == {"dropped_rejected": 1}
        assert s.pairs == []
        assert not s.gateway.arrivals._open
