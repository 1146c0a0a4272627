"""Another configuration while requests run: what begins goes by the new one, what is under way ends as it began."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from proxy.config import ArmTls
from proxy.gateway.timeouts import Timeouts
from proxy.tasks import spawn
from proxy.tls import ListenTls, TlsError, arm_context
from tests.arms.certificates import Authority
from tests.arms.until import until
from tests.gateway.peer import (
    Peer,
    Reader,
    Received,
    Writer,
    always,
    ask,
    plain,
    post,
    read_response,
    serving,
)
from tests.gateway.stands import Stand, configured, standing

ASK = post("/v1/chat/completions", b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
NOBODY = "http://127.0.0.1:1"
ALONE = {"sample": 0.0}


def named(name: bytes) -> Any:
    return always(plain(name))


def read(path: str) -> str:
    return Path(path).read_text()


def write(path: str, text: str) -> None:
    Path(path).write_text(text)


def shown(stand: Stand, peer: Peer) -> float | None:
    labels = {"arm": "baseline", "server": f"127.0.0.1:{peer.port}"}
    return stand.telemetry.registry.get_sample_value("slipgauge_upstream_up", labels)


async def test_servers_that_stay_keep_their_connections_and_one_that_goes_ends_what_it_has() -> None:
    release = asyncio.Event()

    async def slowly(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await release.wait()
        await named(b"goes")(peer, received, reader, writer)

    async with (
        serving(named(b"stays")) as stays,
        serving(slowly) as goes,
        serving(named(b"comes")) as comes,
        standing({"url": [stays.address, goes.address]}, NOBODY, mirror=ALONE) as s,
    ):
        assert (await ask(s.port, ASK)).body == b"stays"
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(ASK)
        await goes.until(lambda: len(goes.requests) == 1)

        s.gateway.reload(configured({"url": [stays.address, comes.address]}, NOBODY, mirror=ALONE))
        assert {(await ask(s.port, ASK)).body for _ in range(6)} == {b"stays", b"comes"}
        assert stays.connections == 1
        assert shown(s, goes) is None
        assert shown(s, comes) == 1

        release.set()
        assert (await read_response(reader)).body == b"goes"
        await goes.until(lambda: goes.open == 0)
        writer.write(ASK)
        assert (await read_response(reader)).body in (b"stays", b"comes")
        writer.close()
    assert len(goes.requests) == 1


async def test_sampling_budget_and_checks_go_by_the_new_settings_and_a_pair_by_those_it_was_drawn_with() -> None:
    release = asyncio.Event()

    async def slowly(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if received.path != b"/health":
            await release.wait()
        await named(b"ok")(peer, received, reader, writer)

    async with (
        serving(named(b"ok")) as baseline,
        serving(slowly) as candidate,
        standing(baseline.address, candidate.address) as s,
    ):
        assert (await ask(s.port, ASK)).status == 200
        await candidate.until(lambda: len(candidate.requests) == 1)
        s.gateway.reload(
            configured(
                baseline.address, {"url": candidate.address, "health": {"every": 0.01}}, mirror={"sample": 0.5}
            )
        )
        release.set()
        assert await s.settled() == {"paired": 1}
        assert s.pairs[0][0].inclusion == 1.0
        await candidate.until(lambda: candidate.requests[-1].path == b"/health")
        s.gateway.reload(
            configured(baseline.address, {"url": candidate.address, "extra": {"tokens_per_second": 1e-3}})
        )
        for _ in range(2):
            assert (await ask(s.port, ASK)).status == 200
            assert await s.settled()
        assert await s.settled() == {"paired": 2, "dropped_budget": 1}


async def test_the_weight_that_was_set_outlives_a_reload() -> None:
    async with (
        serving(named(b"baseline")) as baseline,
        serving(named(b"candidate")) as candidate,
        standing(baseline.address, candidate.address, mirror=ALONE, weight=1.0) as s,
    ):

        async def answers() -> bytes:
            return (await ask(s.port, ASK)).body

        assert await answers() == b"candidate"
        s.gateway.reload(configured(baseline.address, candidate.address))
        assert await answers() == b"candidate"
        s.gateway.set_candidate_weight(0.0)
        assert await answers() == b"baseline"


async def test_a_request_whose_model_has_left_the_configuration_is_still_mirrored() -> None:
    release = asyncio.Event()

    async def slowly(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await release.wait()
        await named(b"ok")(peer, received, reader, writer)

    async with (
        serving(slowly) as baseline,
        serving(named(b"ok")) as candidate,
        standing(baseline.address, candidate.address, mirror={"start_after": 60.0}) as s,
    ):
        asking = spawn(ask(s.port, ASK), name="ask")
        await baseline.until(lambda: len(baseline.requests) == 1)
        s.gateway.reload(configured(baseline.address, candidate.address, models={"other": {}}))
        release.set()
        assert (await asking).status == 200
        assert await s.settled() == {"paired": 1}


async def test_a_renewed_certificate_is_shown_and_files_that_cannot_be_used_change_nothing(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    trusting = arm_context(ArmTls(ca_file=ca.file))
    (cert, key), renewed = ca.issue("127.0.0.1"), ca.issue("127.0.0.1")

    def config(peer: Peer, **settings: Any) -> Any:
        return configured(peer.address, NOBODY, mirror=ALONE, tls={"cert_file": cert, "key_file": key}, **settings)

    async def serial(port: int) -> str:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.close()
        return str(writer.get_extra_info("peercert")["serialNumber"])

    async with (
        serving(named(b"ok")) as peer,
        standing(peer.address, NOBODY, mirror=ALONE, tls={"cert_file": cert, "key_file": key}) as s,
    ):
        before = await serial(s.port)
        write(cert, read(renewed[0]))
        write(key, read(renewed[1]))
        assert await serial(s.port) == before
        s.gateway.reload(config(peer))
        after = await serial(s.port)
        assert after != before
        write(key, "no key")
        with pytest.raises(TlsError):
            s.gateway.reload(config(peer))
        assert await serial(s.port) == after
        assert (await ask(s.port, ASK, tls=trusting)).body == b"ok"


async def test_an_arm_with_other_trust_is_connected_to_anew(tmp_path: Path) -> None:
    ca, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    async with serving(named(b"ok"), tls=ListenTls(*ca.issue("127.0.0.1")).context) as peer:
        trusting = {"url": peer.address, "tls": {"ca_file": ca.file}}
        async with standing(trusting, NOBODY, mirror=ALONE) as s:
            assert (await ask(s.port, ASK)).status == 200
            s.gateway.reload(configured(trusting, NOBODY, mirror=ALONE))
            assert (await ask(s.port, ASK)).status == 200
            assert peer.connections == 1
            s.gateway.reload(
                configured({"url": peer.address, "tls": {"ca_file": stranger.file}}, NOBODY, mirror=ALONE)
            )
            assert (await ask(s.port, ASK)).status == 502
            with pytest.raises(TlsError):
                s.gateway.reload(
                    configured({"url": peer.address, "tls": {"ca_file": "/absent"}}, NOBODY, mirror=ALONE)
                )


async def test_a_shorter_time_holds_for_keys_that_stand_already_and_a_longer_one_for_new_ones() -> None:
    gone: list[str] = []
    timeouts: Timeouts[str] = Timeouts(3_600.0, gone.append)
    timeouts.add("first")
    timeouts.add("second")
    timeouts.change(0.0)
    await until(lambda: gone == ["first", "second"])
    timeouts.add("third")
    timeouts.change(3_600.0)
    await until(lambda: gone == ["first", "second", "third"])
    timeouts.add("fourth")
    assert "fourth" in timeouts
    timeouts.close()


async def test_a_mirror_that_waits_for_its_connection_takes_the_key_of_the_arm_it_goes_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLD_KEY", "old-secret")
    monkeypatch.setenv("NEW_KEY", "new-secret")
    ca, release = Authority(tmp_path), threading.Event()
    serves, listener = ListenTls(*ca.issue("127.0.0.1")).context, socket.create_server(("127.0.0.1", 0))

    def late() -> bytes:
        """One request on a connection whose handshake waits to be released."""
        plain_side, _ = listener.accept()
        release.wait(20)
        with serves.wrap_socket(plain_side, server_side=True) as connection:
            received = b""
            while not received.endswith(b"}]}"):
                received += connection.recv(65_536)
            connection.sendall(plain(b"ok"))
            return received

    candidate = {
        "url": f"https://127.0.0.1:{listener.getsockname()[1]}",
        "tls": {"ca_file": ca.file},
        "api_key_env": "OLD_KEY",
    }
    with listener:
        async with serving(named(b"ok")) as baseline, standing(baseline.address, candidate) as s:
            answering = spawn(asyncio.to_thread(late), name="late")
            await ask(s.port, ASK)
            await until(lambda: s.gateway._services.mirrors_in_flight == 1)
            s.gateway.reload(configured(baseline.address, {"url": NOBODY, "api_key_env": "NEW_KEY"}))
            release.set()
            received = await answering
            assert await s.settled() == {"paired": 1}

    assert b"Bearer old-secret" in received
    assert b"new-secret" not in received
