# ruff: noqa: ARG001 - an answer takes what every answer is given
"""The mirror: what it is sent, what becomes of each pair, and that nothing it does reaches a client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import orjson
import pytest

from analyzers.pair import End
from tests.arms.until import until
from tests.gateway.peer import (
    Answer,
    Peer,
    Reader,
    Received,
    Writer,
    always,
    ask,
    closing,
    endless,
    plain,
    post,
    read_response,
    reset_after,
    serving,
    silent,
    streamed,
)
from tests.gateway.stands import Stand, Stands

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
EVENTS = [b"data: %d\n\n" % n for n in range(10)]


async def drip(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not reader.at_eof():
        writer.write(b"1\r\n.\r\n")
        await writer.drain()
        await asyncio.sleep(0.005)


async def reads_nothing(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
    await asyncio.get_running_loop().create_future()


FAULTS: dict[str, tuple[Answer, str]] = {
    "hung": (silent, "unserved_candidate"),
    "dripping": (drip, "unserved_candidate"),
    "closed at once": (closing(b""), "unserved_candidate"),
    "reset mid-stream": (
        reset_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        "unserved_candidate",
    ),
    "garbage": (always(b"\xff\x00 no http\r\n\r\n"), "unserved_candidate"),
    "bad chunks": (
        always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "unserved_candidate",
    ),
    "500": (always(plain(b"", status="500 Oops")), "unserved_candidate"),
    "503": (always(plain(b"", status="503 Busy")), "unserved_candidate"),
    "429": (always(plain(b"", status="429 Slow")), "unserved_candidate"),
    "404": (always(plain(b"", status="404 No model")), "paired"),
    "endless": (endless, "truncated"),
    "never finished head": (always(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"), "unserved_candidate"),
    "reads nothing": (reads_nothing, "unserved_candidate"),
    "surplus bytes": (always(plain(b"ok") + b"surplus"), "paired"),
}
LASTING = {"hung", "dripping", "never finished head", "reads nothing"}
"""What only the deadline ends."""


async def mirrored(s: Stand, other: Peer) -> None:
    """Wait until the mirror has been asked, and has answered."""
    await other.until(lambda: len(other.requests) == 1)
    await until(lambda: not s.gateway._services.mirrors_in_flight)


@asynccontextmanager
async def candidate(name: str) -> AsyncIterator[str]:
    if name == "absent":
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{unused.getsockname()[1]}"
    else:
        async with serving(FAULTS[name][0]) as peer:
            yield peer.address


@pytest.mark.parametrize("name", [*FAULTS, "absent"])
async def test_whatever_the_candidate_does_clients_are_answered_and_each_request_is_accounted_for(
    stand: Stands, name: str
) -> None:
    async def either(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        answer = streamed(EVENTS) if b'"stream":true' in received.body else always(plain(b'{"a":1}'))
        await answer(peer, received, reader, writer)

    async def client(port: int, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(10):
            stream = (number + turn) % 2 == 0
            writer.write(post(CHAT, orjson.dumps({"model": "m", "n": number, "stream": stream}).replace(b" ", b"")))
            response = await read_response(reader)
            assert response.status == 200
            assert response.body == (b"".join(EVENTS) if stream else b'{"a":1}')
        writer.close()

    mirror = {"deadline": 3_600.0, "answer_bytes": 1_000_000, "in_flight": 16}
    async with (
        serving(either) as baseline,
        candidate(name) as address,
        stand(baseline.address, address, mirror=mirror) as s,
    ):
        # Whoever waited for a mirror that does not end would wait for an hour.
        await asyncio.gather(*(client(s.port, number) for number in range(6)))
        if name in LASTING:
            assert s.gateway._services.mirrors_in_flight == 16
            s.pass_deadline()
        states = await s.settled()
        assert sum(states.values()) == s.ledger.total == 60
        expected = "unserved_candidate" if name == "absent" else FAULTS[name][1]
        assert set(states) <= {expected, "dropped_mirror_busy"}
        assert states[expected] >= 16
        assert s.gateway._services.held.used == 0
        assert s.gateway._services.mirrors_in_flight == 0


async def test_a_repeat_is_the_mirror_request_byte_for_byte_sent_to_the_baseline(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, mirror={"repeat": 1.0}) as s,
    ):
        await ask(s.port, post(CHAT, ASK, extra="Authorization: Bearer k\r\nX-Slipgauge-Gold: 42\r\n"))
        assert await s.settled() == {"paired": 1}
        primary, repeat = baseline.requests
        (mirror,) = other.requests
        assert primary.headers[b"authorization"] == b"Bearer k"
        assert b"x-slipgauge-leg" not in primary.headers
        for each in (primary, repeat, mirror):
            assert b"x-slipgauge-gold" not in each.headers
            assert each.headers.pop(b"host").startswith(b"127.0.0.1:")
            assert each.body == ASK
        assert repeat.headers == mirror.headers
        assert mirror.headers[b"x-slipgauge-leg"] == b"mirror"
        assert b"authorization" not in mirror.headers
        pair, state = s.pairs[0]
        assert (pair.baseline.body, pair.candidate.body, state) == (b"base", b"cand", "paired")
        assert pair.repeat is not None
        assert pair.repeat.body == b"base"
        assert pair.headers == {}
        assert (pair.path, pair.body, pair.primary, pair.inclusion) == (CHAT, ASK, "baseline", 1.0)


async def test_models_are_renamed_per_arm(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as other,
        stand(baseline.address, other.address, models={"m": {"baseline": "fp16", "candidate": "int4"}}) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        await s.settled()
        assert baseline.requests[0].body == ASK.replace(b'"m"', b'"fp16"')
        assert other.requests[0].body == ASK.replace(b'"m"', b'"int4"')
        assert s.pairs[0][0].body == ASK


async def test_arrivals_and_bytes_of_a_stream_are_captured(stand: Stands) -> None:
    async with (
        serving(streamed(EVENTS)) as baseline,
        serving(streamed(EVENTS[:3])) as other,
        stand(baseline.address, other.address) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        await s.settled()
        pair, _ = s.pairs[0]
        for capture, events in ((pair.baseline, EVENTS), (pair.candidate, EVENTS[:3])):
            assert capture.body == b"".join(events)
            assert (capture.status, capture.content_type) == (200, "text/event-stream")
            assert capture.arrivals[-1][1] == len(capture.body)
            assert list(capture.arrivals) == sorted(capture.arrivals)
            assert 0 < capture.arrivals[0][0] <= capture.duration


async def test_the_mirror_of_a_silent_primary_starts_by_itself(stand: Stands) -> None:
    async with (
        serving(silent) as baseline,
        serving(always(plain(b"ok"))) as other,
        stand(baseline.address, other.address, mirror={"start_after": 0.01}) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, ASK))
        await mirrored(s, other)
        s.pass_deadline()
        assert await s.settled() == {"unserved_baseline": 1}
        assert s.pairs[0][0].baseline.end == "deadline"
        assert baseline.open == 1, "a deadline is for scoring only"
        writer.close()
        await baseline.until(lambda: baseline.open == 0)
        assert await reader.read() == b""


async def test_an_answer_later_than_its_deadline_still_reaches_the_client(stand: Stands) -> None:
    release = asyncio.Event()

    async def late(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await release.wait()
        writer.write(b"k")

    async with (
        serving(late) as baseline,
        serving(always(plain(b"ok"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        asking = asyncio.get_running_loop().create_task(ask(s.port, post(CHAT, ASK)))
        await mirrored(s, other)
        s.pass_deadline()
        assert await s.settled() == {"unserved_baseline": 1}
        release.set()
        assert (await asking).body == b"ok"


async def test_a_rejected_request_is_not_mirrored(stand: Stands) -> None:
    async with (
        serving(always(plain(b"{}", status="422 Unprocessable"))) as baseline,
        serving(always(plain(b"ok"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).status == 422
        assert await s.settled() == {"dropped_rejected": 1}
        assert other.connections == 0


async def test_an_answer_too_large_to_capture_reaches_the_client_whole(stand: Stands) -> None:
    big = b"x" * 3_000_000
    mirrored = asyncio.Event()

    async def large(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
        await mirrored.wait()
        writer.write(big)

    async def silent_mirror(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        mirrored.set()
        assert await reader.read() == b""

    async with (
        serving(large) as baseline,
        serving(silent_mirror) as other,
        stand(baseline.address, other.address, mirror={"answer_bytes": 1_000_000}) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == big
        assert await s.settled() == {"truncated": 1}
        await other.until(lambda: other.open == 0)


async def test_of_a_mirror_that_never_ends_as_much_is_handed_over_as_may_be_kept(stand: Stands) -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"and so on "}}]}\n\n'

    async def loop(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(event * 100)
                await writer.drain()

    async with (
        serving(always(plain(b'{"a":1}'))) as baseline,
        serving(loop) as other,
        stand(baseline.address, other.address, mirror={"answer_bytes": 100_000}) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == b'{"a":1}'
        assert await s.settled() == {"truncated": 1}
        ((pair, state),) = s.pairs
    assert state == "truncated"
    assert (pair.baseline.end, pair.baseline.body) == (End.COMPLETE, b'{"a":1}')
    assert pair.candidate.end is End.TOO_LARGE
    assert len(pair.candidate.body) == 100_000
    assert pair.candidate.body.startswith(event)


async def test_others_are_served_between_the_pieces_of_a_large_mirrored_answer(stand: Stands) -> None:
    held: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:  # from a thread: as fast as it is read, whatever the loop does meanwhile
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(plain(b"x" * 3_000_000))
            connection.recv(1)

    answering = asyncio.get_running_loop().run_in_executor(None, answer)
    async with (
        serving(always(plain(b'{"a":1}'))) as baseline,
        stand(baseline.address, f"http://127.0.0.1:{listener.getsockname()[1]}") as s,
    ):
        budget = s.gateway._services.held

        def turn() -> None:
            held.append(budget.used)
            if not s.pairs:
                asyncio.get_running_loop().call_soon(turn)

        turn()
        assert (await ask(s.port, post(CHAT, ASK))).body == b'{"a":1}'
        assert await s.settled() == {"paired": 1}
        ((pair, _),) = s.pairs
    await answering
    listener.close()
    assert len(pair.candidate.body) == 3_000_000
    grown = [after - before for before, after in pairwise(held)]
    assert max(grown) <= 256_000  # what uvloop reads at once
    assert sum(grow for grow in grown if grow > 0) > 2_500_000  # and not all between two turns


async def test_a_full_mirror_drops_by_count_and_by_bytes(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, mirror={"in_flight": 2}) as s,
    ):
        for _ in range(5):
            assert (await ask(s.port, post(CHAT, ASK))).body == b"ok"
        s.pass_deadline()
        assert await s.settled() == {"dropped_mirror_busy": 3, "unserved_candidate": 2}
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, mirror={"in_flight_bytes": 150}) as s,
    ):
        for _ in range(5):
            assert (await ask(s.port, post(CHAT, ASK))).body == b"ok"
        s.pass_deadline()
        assert await s.settled() == {"dropped_mirror_bytes": 3, "unserved_candidate": 2}


async def test_sessions_that_are_not_sampled_are_counted_and_left_alone(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, mirror={"sample": 0.0}) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        await ask(s.port, post(CHAT, b'{"model":"unknown"}'))
        await ask(s.port, post("/v1/other", ASK))
        assert await s.settled() == {"not_sampled": 1}
        assert other.connections == 0


@pytest.mark.parametrize("size", [2_000, 300_000])  # whole in one read, and not
@pytest.mark.parametrize("model", ["m", "unknown"])
async def test_a_request_too_large_to_hold_is_passed_on_and_its_loss_is_counted(
    stand: Stands, model: str, size: int
) -> None:
    body = orjson.dumps({"messages": ["x" * size], "model": model})
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, mirror={"request_bytes": 1_000}) as s,
    ):
        assert (await ask(s.port, post(CHAT, body))).body == b"ok"
        assert baseline.requests[0].body == body
        assert await s.settled() == ({"dropped_request_bytes": 1} if model == "m" else {})
        assert other.connections == 0


async def test_stopping_gives_up_mirrors_that_do_not_end(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, limits={"drain": 0.05}) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        await other.until(lambda: len(other.requests) == 1)
        await s.gateway.stop()
        assert await s.settled() == {"dropped_shutdown": 1}


async def test_a_receiver_of_pairs_that_fails_costs_the_client_nothing(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        stand(baseline.address, baseline.address) as s,
    ):

        def fail(pair: object, state: str) -> None:
            raise ValueError("no room")

        s.gateway._services.scorer.submit = fail  # type: ignore[method-assign]
        for _ in range(3):
            assert (await ask(s.port, post(CHAT, ASK))).body == b"ok"
        assert await s.settled() == {"paired": 3}


async def test_requests_are_counted_by_arm_leg_operation_and_code(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(closing(b"")) as other,
        stand(baseline.address, other.address) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        await s.settled()

        def count(**labels: str) -> float | None:
            return s.telemetry.registry.get_sample_value("slipgauge_requests_total", labels)

        assert count(arm="baseline", leg="primary", operation="chat", code="200") == 1
        assert count(arm="candidate", leg="mirror", operation="chat", code="reset") == 1
        assert s.telemetry.registry.get_sample_value("slipgauge_added_latency_seconds_count") == 1
