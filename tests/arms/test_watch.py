"""What the watch asks of real servers, and what it makes of their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.config import ArmTls, Extra, Health
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.watch import Watch
from proxy.gateway.ledger import State
from proxy.tls import ListenTls
from tests.arms.certificates import Authority
from tests.arms.stand import Stand
from tests.arms.until import until
from tests.gateway.peer import Answer, Peer, Reader, Received, Writer, always, endless, plain, serving, silent

OFTEN = Health(every=0.01, timeout=1.0)
NEVER = Health(every=0.0)
UNASKED = Extra(every=0.0)


@asynccontextmanager
async def watching(arm: Arm) -> AsyncIterator[None]:
    watch = Watch(arm)
    watch.start()
    try:
        yield
    finally:
        await watch.close()


class Model:
    """A server whose health and load the test sets."""

    def __init__(self) -> None:
        self.answer: Answer = always(plain(b"ok"))

    async def __call__(self, peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await self.answer(peer, received, reader, writer)


@pytest.mark.parametrize("ill", [always(plain(b"", status="503 Loading")), silent])
async def test_a_server_is_down_while_its_health_fails_and_up_once_it_is_good(ill: Answer) -> None:
    model = Model()
    async with serving(model) as peer:
        stand = Stand(peer.address, health=OFTEN, extra=UNASKED)
        (server,) = stand.arm.servers.all
        async with watching(stand.arm):
            await peer.until(lambda: len(peer.requests) > 3)
            assert server.up
            model.answer = ill
            await until(lambda: not server.up)
            model.answer = always(plain(b"", status="404 Not Found"))
            await until(lambda: server.up)
    assert {request.path for request in peer.requests} == {b"/health"}


async def test_a_server_that_is_gone_is_down() -> None:
    async with serving(always(b"")) as peer:
        pass
    stand = Stand(peer.address, health=OFTEN, extra=UNASKED)
    async with watching(stand.arm):
        await until(lambda: not stand.arm.servers.usable)


async def test_what_is_turned_off_is_not_asked() -> None:
    async with serving(always(plain(b"ok"))) as peer, serving(always(plain(b"ok"))) as asked:
        stand = Stand(peer.address, health=NEVER, extra=UNASKED)
        unlimited = Stand(peer.address, health=NEVER, extra=Extra(waiting=None, kv_usage=None, every=0.01))
        other = Stand(asked.address, health=OFTEN, extra=UNASKED)
        async with watching(stand.arm), watching(unlimited.arm), watching(other.arm):
            await asked.until(lambda: len(asked.requests) > 5)
    assert peer.requests == []


async def test_extra_legs_stop_while_the_server_says_that_requests_wait() -> None:
    model = Model()
    async with serving(model) as peer:
        stand = Stand(peer.address, health=NEVER, extra=Extra(waiting=4, kv_usage=None, every=0.01))
        arm = stand.arm
        for waiting, state in ((5, State.DROPPED_PRESSURE), (4, None), (9, State.DROPPED_PRESSURE)):
            model.answer = always(plain(b'vllm:num_requests_waiting{engine="0"} %d\n' % waiting))
            async with watching(arm):
                await until(lambda expected=state: arm.spend("mirror", 0, 0.0) is expected)  # type: ignore[misc]
            assert stand.metric("pressure") == (state is not None)
            assert stand.metric("pressure_known") == 1
    assert {request.path for request in peer.requests} == {b"/metrics"}


@pytest.mark.parametrize(
    "answer",
    [
        always(plain(b"no metrics here", status="404 Not Found")),
        always(plain(b"vllm:num_requests_waiting 9\n", status="500 Oops")),
        always(plain(b"\xff\x00")),
        always(b"no http at all\r\n\r\n"),
        endless,
    ],
)
async def test_a_server_without_readable_metrics_stops_nothing_and_is_not_known(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.gateway.arms.watch.PAGE_BYTES", 100_000)
    async with serving(answer) as peer:
        stand = Stand(peer.address, health=NEVER, extra=Extra(every=0.001))
        async with watching(stand.arm):
            await peer.until(lambda: len(peer.requests) > 3)
    assert (stand.metric("pressure"), stand.metric("pressure_known")) == (0, 0)


async def test_the_arm_s_key_goes_with_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "secret")
    async with serving(always(plain(b"ok"))) as peer:
        stand = Stand(peer.address, health=OFTEN, extra=Extra(every=0.01), api_key_env="KEY")
        async with watching(stand.arm):
            await peer.until(lambda: {r.path for r in peer.requests} == {b"/health", b"/metrics"})
    assert {request.headers[b"authorization"] for request in peer.requests} == {b"Bearer secret"}


@pytest.mark.parametrize("known", [True, False])
async def test_a_server_over_tls_is_up_only_with_a_certificate_that_is_trusted(
    tmp_path: Path, *, known: bool
) -> None:
    ca, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    trusted = ArmTls(ca_file=(ca if known else stranger).file)
    async with serving(always(plain(b"ok")), tls=ListenTls(*ca.issue("127.0.0.1")).context) as peer:
        stand = Stand(peer.address, health=OFTEN, extra=UNASKED, tls=trusted)
        async with watching(stand.arm):
            if known:
                await peer.until(lambda: len(peer.requests) > 5)
                assert stand.arm.servers.usable
            else:
                await until(lambda: not stand.arm.servers.usable)
                assert peer.requests == []
