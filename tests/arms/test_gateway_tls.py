"""TLS on both sides of a running gateway, with certificates made for the test."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
from structlog.testing import capture_logs

from proxy.config import ArmTls
from proxy.tls import ListenTls, arm_context
from tests.arms.certificates import Authority
from tests.arms.until import until
from tests.gateway.peer import (
    Answer,
    always,
    ask,
    closing,
    plain,
    post,
    read_response,
    reset_after,
    serving,
    streamed,
)
from tests.gateway.stands import standing

CHAT = "/v1/chat/completions"
ASK = post(CHAT, b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
EVENTS = [b"data: %d\n\n" % n for n in range(50)]


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def files(ca: Authority) -> dict[str, str]:
    return dict(zip(("cert_file", "key_file"), ca.issue("127.0.0.1"), strict=True))


def trusting(ca: Authority) -> ssl.SSLContext:
    return arm_context(ArmTls(ca_file=ca.file))


@pytest.mark.parametrize(
    ("answer", "body"), [(always(plain(b"x" * 3_000_000)), b"x" * 3_000_000), (streamed(EVENTS), b"".join(EVENTS))]
)
async def test_both_arms_and_the_client_are_served_over_tls(ca: Authority, answer: Answer, body: bytes) -> None:
    serves = ListenTls(*ca.issue("127.0.0.1")).context
    arm = {"tls": {"ca_file": ca.file}}
    async with (
        serving(answer, tls=serves) as baseline,
        serving(answer, tls=serves) as candidate,
        standing({"url": baseline.address, **arm}, {"url": candidate.address, **arm}, tls=files(ca)) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port, ssl=trusting(ca), limit=2**25)
        for _ in range(5):
            writer.write(ASK)
            response = await read_response(reader)
            assert (response.status, response.body) == (200, body)
            assert await s.settled()
        writer.close()
        assert await s.settled() == {"paired": 5}
        assert (baseline.connections, candidate.connections) == (1, 1)


@pytest.mark.parametrize(
    ("issued", "trusts", "says"),
    [
        ("127.0.0.1", "stranger", "unable to get local issuer certificate"),
        ("10.9.9.9", "ca", "IP address mismatch"),
    ],
)
async def test_a_baseline_with_a_wrong_certificate_is_sent_nothing_and_the_log_says_why(
    ca: Authority, tmp_path: Path, issued: str, trusts: str, says: str
) -> None:
    trusted = ca if trusts == "ca" else Authority(tmp_path, trusts)
    async with serving(always(plain(b"ok")), tls=ListenTls(*ca.issue(issued)).context) as peer:
        section = {"url": peer.address, "tls": {"ca_file": trusted.file}}
        async with standing(section, "http://127.0.0.1:1", mirror={"sample": 0.0}) as s:
            with capture_logs() as logs:
                response = await ask(s.port, ASK)
    assert response.status == 502
    assert peer.requests == []
    (log,) = [log for log in logs if log["event"] == "a server cannot be connected to"]
    assert says in log["problem"]


async def test_an_unverified_arm_is_used_where_the_operator_insists(ca: Authority) -> None:
    async with serving(always(plain(b"ok")), tls=ListenTls(*ca.issue("elsewhere")).context) as peer:
        section = {"url": peer.address, "tls": {"verify": False}}
        async with standing(section, "http://127.0.0.1:1", mirror={"sample": 0.0}) as s:
            assert (await ask(s.port, ASK)).status == 200


async def test_a_plain_client_on_the_tls_port_gets_nothing_and_others_are_served(ca: Authority) -> None:
    async with (
        serving(always(plain(b"ok"))) as peer,
        standing(peer.address, "http://127.0.0.1:1", mirror={"sample": 0.0}, tls=files(ca)) as s,
    ):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await ask(s.port, ASK)
        assert (await ask(s.port, ASK, tls=trusting(ca))).status == 200


async def test_a_client_that_never_shakes_hands_is_cut_off(ca: Authority) -> None:
    async with (
        serving(always(plain(b"ok"))) as peer,
        standing(peer.address, peer.address, tls=files(ca), limits={"head_timeout": 0.05}) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        assert await reader.read() == b""
        writer.close()


async def test_an_error_is_read_whole_before_the_connection_closes(ca: Authority) -> None:
    async with (
        serving(always(plain(b"ok"))) as peer,
        standing(peer.address, peer.address, tls=files(ca), limits={"body_bytes": 10}) as s,
    ):
        refused = await ask(s.port, post(CHAT, b"x" * 100_000), tls=trusting(ca))
        assert refused.status == 413
        assert b"error" in refused.body


@pytest.mark.parametrize("fault", [closing, reset_after])
async def test_an_answer_that_breaks_off_is_not_taken_for_complete(ca: Authority, fault: type) -> None:
    begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    async with (
        serving(fault(begun)) as peer,
        standing(peer.address, "http://127.0.0.1:1", mirror={"sample": 0.0}, tls=files(ca)) as s,
    ):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ssl.SSLError)):
            await ask(s.port, ASK, tls=trusting(ca))


@contextmanager
def closing_at_once(ca: Authority, *parts: int) -> Iterator[str]:
    """A server that answers in parts of so many bytes and closes at once, as OpenSSL's do; gives its address."""
    serves = ListenTls(*ca.issue("127.0.0.1")).context
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:  # from a thread: as fast as it is read
        with suppress(OSError), serves.wrap_socket(listener.accept()[0], server_side=True) as connection:
            connection.recv(65_536)
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % sum(parts)
            connection.sendall(head)
            for size in parts:
                sleep(0.1)
                connection.sendall(b"x" * size)
            connection.setblocking(False)
            connection.unwrap()  # says that it closes, and raises since there is no reply yet

    thread = Thread(target=answer)
    thread.start()
    with listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


async def test_a_mirrored_answer_is_whole_though_its_server_closes_while_others_are_served(ca: Authority) -> None:
    async with serving(always(plain(b"{}"))) as baseline:
        for _ in range(5):
            with closing_at_once(ca, 1_000_000) as candidate:
                async with standing(baseline.address, {"url": candidate, "tls": {"ca_file": ca.file}}) as s:
                    assert (await ask(s.port, ASK)).body == b"{}"
                    assert await s.settled() == {"paired": 1}
                    assert len(s.pairs[0][0].candidate.body) == 1_000_000


async def test_a_slow_client_gets_all_of_an_answer_whose_server_closes_behind_it(ca: Authority) -> None:
    parts = 150_000, 100_000  # more than the client takes at first, and what waits while it takes nothing
    with closing_at_once(ca, *parts) as baseline:
        section = {"url": baseline, "tls": {"ca_file": ca.file}}
        async with standing(section, "http://127.0.0.1:1", mirror={"sample": 0.0}) as s:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", s.port))
            reader, writer = await asyncio.open_connection(sock=sock, limit=4_096)
            await until(lambda: len(s.gateway._services.clients) == 1)
            (client,) = s.gateway._services.clients
            client.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
            writer.write(ASK)
            await asyncio.sleep(0.5)  # the server has closed by then
            assert client.congested
            assert len((await read_response(reader)).body) == sum(parts)
            writer.close()
