# ruff: noqa: ARG001 - an answer takes what every answer is given
"""Real sockets from a client's request to the verdict: nothing waits for a deadline, nothing lost is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from proxy.run import Deployment
from tests.gateway.peer import Peer, Reader, Received, Writer, always, ask, plain, post, serving
from tests.gateway.stands import configured
from verdict.rollout import Stage

CHAT = "/v1/chat/completions"
ANSWER = orjson.dumps({"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]})
GOOD = plain(ANSWER)


def asked(number: int, **body: Any) -> bytes:
    """A request of a session of its own."""
    told = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **body}
    return post(CHAT, orjson.dumps(told), extra=f"X-Session-Id: {number}\r\nX-Feature: tutoring\r\n")


def chats(peer: Peer) -> int:
    """How many such requests have come: an arm is asked for what it serves as well."""
    return sum(received.body.startswith(b"{") for received in peer.requests)


async def chatted(peer: Peer, count: int) -> None:
    """Wait until so many have come."""
    await peer.until(lambda: chats(peer) == count)


@asynccontextmanager
async def deployed(baseline: str, candidate: str, **settings: Any) -> AsyncIterator[Deployment]:
    """A whole deployment whose answers have an hour, so that whoever waited for a deadline would be seen."""
    config = configured(
        baseline,
        candidate,
        admin={"listen": "127.0.0.1:0"},
        analysis={"enabled": ("served", "json"), "budget": 20.0},
        guardrails={"served": {"margin": 0.005}},
        segments={"headers": ("X-Feature",)},
        mirror={"deadline": 3_600.0},
        **settings,
    )
    made = Deployment(config)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def test_from_the_deciding_answer_to_the_rollback_nobody_waits_for_a_deadline() -> None:
    async with (
        serving(always(GOOD)) as baseline,
        serving(always(plain(b"{}", status="500 Oops"))) as candidate,
        deployed(baseline.address, candidate.address) as made,
    ):
        number = 0
        while made.control.rollout.stage is not Stage.ROLLED_BACK:
            assert (await ask(made.data_address.port, asked(number))).body == ANSWER
            number += 1
        told = made.control.told()

    assert told["verdict"] == "fail"
    (row,) = told["guardrails"]
    assert (row["baseline_rate"], row["candidate_rate"]) == (0.0, 1.0)
    assert {each["segment"] for each in told["segments"]} >= {"x-feature=tutoring", "model=m", "prompt_length=1kB"}


async def test_the_operators_salt_names_sessions_alike_in_every_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT", "an operator's secret")
    names = list[str]()
    async with serving(always(GOOD)) as arm:
        for _ in range(2):  # each with a store of its own
            async with deployed(arm.address, arm.address, session={"salt_env": "SALT"}) as made:
                await ask(made.data_address.port, asked(1))
                while not made.settled:  # noqa: ASYNC110 - three rooms, no one event
                    await asyncio.sleep(0.01)
                names += made.control.dossier.sessions.take()

    first, second = names
    assert first == second


async def test_what_arrived_after_a_request_that_is_under_way_waits_for_it_and_no_longer() -> None:
    release = asyncio.Event()

    async def slow_first(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if b'"slow"' in received.body:
            await release.wait()
        writer.write(GOOD)

    async with (
        serving(slow_first) as baseline,
        serving(always(GOOD)) as candidate,
        deployed(baseline.address, candidate.address) as made,
    ):
        port, sessions = made.data_address.port, made.control.dossier.sessions
        slow = asyncio.get_running_loop().create_task(ask(port, asked(0, user="slow")))
        await chatted(baseline, 1)
        for number in range(1, 6):
            await ask(port, asked(number))
        while sessions.waiting < 5:  # noqa: ASYNC110 - reports arrive when they do
            await asyncio.sleep(0.01)
        assert made.control.judgements()[0].sessions == 0
        release.set()
        await slow
        while not made.settled:  # noqa: ASYNC110 - three rooms, no one event
            await asyncio.sleep(0.01)
        assert made.control.judgements()[0].sessions == 6


async def test_clients_that_leave_after_both_arms_were_asked_count_for_the_candidate_and_against_it() -> None:
    async def half(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await reader.read()

    async with (
        serving(half) as baseline,
        serving(always(GOOD)) as candidate,
        deployed(baseline.address, candidate.address) as made,
    ):
        control, services = made.control, made.plane.gateway._services  # type: ignore[union-attr]
        for number in range(5):
            _, writer = await asyncio.open_connection("127.0.0.1", made.data_address.port)
            writer.write(asked(number))
            await chatted(candidate, number + 1)
            while services.mirrors_in_flight:  # noqa: ASYNC110 - a leg tells nobody when it ends
                await asyncio.sleep(0.001)
            writer.close()
        while control.dossier.tallies["served"].missing < 5:  # noqa: ASYNC110 - reports arrive when they do
            await asyncio.sleep(0.01)
        evidence, tally = control.dossier.evidence["served"], control.dossier.tallies["served"]
        assert (tally.count, evidence.sessions, evidence.known) == (0, 5, 0)
        assert evidence.harm_log_e < 0 < evidence.margin
        assert not control.tables.reports
        assert made.ledger.states()["client_abort"] == 5
