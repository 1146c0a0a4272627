"""No file descriptor left: the gateway's own fault, which must not be held against any server."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxy import descriptors
from tests.arms.until import until
from tests.gateway.peer import Response, always, plain, post, read_response, serving
from tests.gateway.stands import Stand, configured, standing

CHAT = "/v1/chat/completions"
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
EJECTION = {"failures": 1, "pause": 60.0}


@contextmanager
def none_left() -> Iterator[None]:
    """This process can open nothing more, not even in place of what it closes."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Client:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, extra: str = "") -> Response:
        self.writer.write(post(CHAT, BODY, extra=extra))
        return await read_response(self.reader)


async def connected(stand: Stand) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", stand.port))


def held_against_a_server(stand: Stand) -> bool:
    return any(
        server.failures or not server.usable
        for arm in stand.gateway._services.arms.values()
        for server in arm.servers.all
    )


async def test_a_client_is_told_so_and_no_server_is_blamed() -> None:
    async with (
        serving(always(plain(b"ok"))) as peer,
        standing({"url": peer.address, "ejection": EJECTION}, peer.address) as s,
    ):
        client = await connected(s)
        with none_left():
            response = await client.ask()
        assert (response.status, response.header(b"retry-after")) == (503, b"1")
        assert await s.settled() == {"dropped_descriptors": 1}
        assert not held_against_a_server(s)
        assert (s.pairs, [each.state for each in s.left]) == ([], ["dropped_descriptors"])
        client.writer.close()
        client = await connected(s)
        assert (await client.ask()).status == 200
        assert await s.settled() == {"dropped_descriptors": 1, "paired": 1}
        client.writer.close()


async def test_a_mirror_that_could_not_be_sent_is_no_evidence_against_the_candidate() -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        standing(baseline.address, {"url": candidate.address, "ejection": EJECTION}) as s,
    ):
        client = await connected(s)
        assert (await client.ask("X-Slipgauge-Mirror: no\r\n")).status == 200  # its connection is kept
        with none_left():
            assert (await client.ask()).status == 200
            assert await s.settled() == {"not_sampled": 1, "dropped_descriptors": 1}
        assert not held_against_a_server(s)
        assert (s.pairs, [each.state for each in s.left]) == ([], ["dropped_descriptors"])
        assert candidate.requests == []
        client.writer.close()


async def test_a_repeat_that_could_not_be_sent_is_left_out_of_its_pair() -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        standing(baseline.address, candidate.address, mirror={"repeat": 0.0}) as s,
    ):
        client = await connected(s)
        assert (await client.ask()).status == 200
        assert await s.settled() == {"paired": 1}
        s.gateway.reload(configured(baseline.address, candidate.address, mirror={"repeat": 1.0}))
        with none_left():
            assert (await client.ask()).status == 200
            assert await s.settled() == {"paired": 2}
        assert [pair.repeat for pair, _ in s.pairs] == [None, None]
        assert not held_against_a_server(s)
        client.writer.close()


async def test_a_candidate_that_could_not_be_asked_opens_no_breaker_and_is_not_asked_of_the_baseline() -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        standing(
            baseline.address,
            {"url": candidate.address, "ejection": EJECTION},
            weight=1.0,
            canary={"breaker": {"failures": 1}},
        ) as s,
    ):
        client = await connected(s)
        with none_left():
            assert (await client.ask()).status == 503
        assert await s.settled() == {"dropped_descriptors": 1}
        assert not held_against_a_server(s)
        client.writer.close()
        client = await connected(s)
        assert (await client.ask()).status == 200
        assert await s.settled() == {"dropped_descriptors": 1, "paired": 1}
        assert [pair.primary for pair, _ in s.pairs] == ["candidate"]
        client.writer.close()


async def test_a_health_check_that_could_not_be_made_takes_no_server_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bool] = []

    def noted() -> bool:
        found.append(descriptors.none_left())
        return found[-1]

    monkeypatch.setattr("proxy.gateway.arms.watch.none_left", noted)
    async with (
        serving(always(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")) as peer,
        standing({"url": peer.address, "health": {"every": 0.01}}, peer.address, mirror={"sample": 0.0}) as s,
    ):
        await peer.until(lambda: len(peer.requests) > 2)
        (server,) = s.gateway._services.arms["baseline"].servers.all
        with none_left():
            await until(lambda: len(found) > 3)
        assert all(found)
        assert (server.up, server.checks) == (True, 0)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (OSError(errno.EMFILE, "Too many open files"), True),
        (OSError(errno.ENFILE, "Too many open files in system"), True),
        (OSError(errno.ECONNREFUSED, "Connection refused"), False),
        (OSError("Multiple exceptions: ..."), False),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), False),
        (TimeoutError(), False),
        (UnicodeError(), False),
    ],
)
def test_what_says_that_descriptors_have_run_out(error: Exception, *, ours: bool) -> None:
    assert descriptors.ran_out(error) is ours


def test_a_failure_that_does_not_say_why_is_ours_where_nothing_can_be_opened() -> None:
    with none_left():
        assert descriptors.ran_out(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
        assert descriptors.ran_out(OSError("Multiple exceptions: ..."))
        assert not descriptors.ran_out(OSError(errno.ECONNREFUSED, "Connection refused"))
        assert not descriptors.ran_out(TimeoutError())


def test_a_limit_too_low_for_what_is_configured_is_warned_of_with_both_numbers() -> None:
    config = configured(
        {"url": ["http://127.0.0.1:1", "http://127.0.0.1:2"], "connections": 100},
        {"url": "http://127.0.0.1:3", "connections": 10},
        limits={"clients": 1_000},
        mirror={"in_flight": 5},
    )
    wanted = 1_000 + 2 * (2 * 100 + 2 * 5) + (10 + 5) + descriptors.RESERVE

    assert list(descriptors.warnings(config, wanted)) == []
    assert list(descriptors.warnings(config, resource.RLIM_INFINITY)) == []
    (warning,) = descriptors.warnings(config, wanted - 1)
    assert f"may need {wanted} open files, and {wanted - 1} are allowed" in warning
