# ruff: noqa: ARG001 - an answer takes what every answer is given
"""The candidate answers live sessions: which, with what in the pair, and what its clients get where it fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

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
    plain,
    post,
    reset_after,
    serving,
    silent,
    streamed,
)
from tests.gateway.stands import Stand, Stands

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
STREAM = b'{"model":"m","stream":true,"messages":[]}'
EVENTS = [b"data: %d\n\n" % n for n in range(10)]


def told(s: Stand, name: str, **labels: str) -> float | None:
    return s.telemetry.registry.get_sample_value(f"slipgauge_{name}", labels)


async def test_the_candidates_bytes_reach_the_client_and_the_baseline_is_the_mirror(stand: Stands) -> None:
    async with (
        serving(streamed(EVENTS[:3])) as baseline,
        serving(streamed(EVENTS)) as other,
        stand(baseline.address, other.address, weight=1.0, mirror={"repeat": 1.0}) as s,
    ):
        response = await ask(s.port, post(CHAT, STREAM, extra="Authorization: Bearer k\r\n"))
        assert response.body == b"".join(EVENTS)
        assert await s.settled() == {"paired": 1}
        (primary,) = other.requests
        mirror, repeat = baseline.requests
        assert primary.headers[b"authorization"] == b"Bearer k"
        assert b"x-slipgauge-leg" not in primary.headers
        assert b"authorization" not in mirror.headers
        assert (mirror.headers, mirror.body) == (repeat.headers, repeat.body)
        ((pair, _),) = s.pairs
        assert (pair.primary, pair.inclusion) == ("candidate", 1.0)
        assert pair.baseline.body == b"".join(EVENTS[:3])
        assert pair.candidate.body == b"".join(EVENTS)
        assert pair.repeat is not None
        assert pair.repeat.body == b"".join(EVENTS[:3])
        assert told(s, "ledger_total", state="paired", primary="candidate") == 1
        assert told(s, "requests_total", arm="candidate", leg="primary", operation="chat", code="200") == 1
        assert told(s, "requests_total", arm="baseline", leg="mirror", operation="chat", code="200") == 1


@pytest.mark.parametrize("sample", [0.0, 1.0])
async def test_whole_sessions_go_to_one_arm_sampled_or_not(stand: Stands, sample: float) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, weight=0.4, mirror={"sample": sample}) as s,
    ):
        arms: dict[int, set[bytes]] = {session: set() for session in range(100)}
        for turn in range(2):
            body = orjson.dumps({"model": "m", "turn": turn})
            for session, met in arms.items():
                response = await ask(s.port, post(CHAT, body, extra=f"X-Session-Id: {session}\r\n"))
                met.add(response.body)
        assert all(len(met) == 1 for met in arms.values())
        assert 20 <= sum(met == {b"cand"} for met in arms.values()) <= 60
        assert await s.settled() == ({"paired": 200} if sample else {"not_sampled": 200})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models", b""),
        ("/tokenize", ASK),
        (CHAT, b'{"model":"unknown"}'),
        (CHAT, b"not json"),
        (CHAT, b'{"model":"m","background":true}'),
        (CHAT, b'{"model":"m","tools":[{"type":"web_search"}]}'),
        ("/v1/responses", b'{"model":"m","input":"stored unless told otherwise"}'),
        ("/v1/responses", b'{"model":"m","input":"x","previous_response_id":"r"}'),
    ],
)
async def test_what_leans_on_one_server_stays_with_the_baseline(stand: Stands, path: str, body: bytes) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, weight=1.0) as s,
    ):
        assert (await ask(s.port, post(path, body))).body == b"base"
        assert all(b"x-slipgauge-leg" in each.headers for each in other.requests)


async def test_a_response_that_is_not_stored_may_be_the_candidates(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, weight=1.0) as s,
    ):
        body = b'{"model":"m","input":"x","store":false}'
        assert (await ask(s.port, post("/v1/responses", body))).body == b"cand"


async def test_the_weight_changes_while_requests_come(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        for weight, expected in ((0.0, b"base"), (1.0, b"cand"), (0.0, b"base")):
            s.gateway.set_candidate_weight(weight)
            assert (await ask(s.port, post(CHAT, ASK))).body == expected
        with pytest.raises(ValueError, match="between 0 and 1"):
            s.gateway.set_candidate_weight(1.5)


async def test_where_the_weight_is_not_said_again_in_time_the_baseline_gets_all_sessions_back(
    stand: Stands,
) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        s.gateway.set_candidate_weight(1.0, valid=0.05)
        assert (await ask(s.port, post(CHAT, ASK))).body == b"cand"
        while (await ask(s.port, post(CHAT, ASK))).body != b"base":
            pass
        assert told(s, "canary_lapses_total") == 1
        s.gateway.set_candidate_weight(1.0, valid=60.0)
        assert (await ask(s.port, post(CHAT, ASK))).body == b"cand"


async def test_what_holds_until_it_is_said_otherwise_does_not_lapse(
    stand: Stands, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address) as s,
    ):
        s.gateway.set_candidate_weight(0.5, valid=0.01)
        s.gateway.set_candidate_weight(1.0)
        assert s.gateway._lapse is None
        s.gateway.set_candidate_weight(1.0, valid=0.01)
        monkeypatch.setattr("proxy.gateway.gateway.AGAIN", 0.01)
        server = s.gateway._services.primary.arm.servers.all[0]
        server.up = False
        s.gateway._services.primary.arm.servers._all_usable = False
        for _ in range(20):
            assert (await ask(s.port, post(CHAT, ASK))).body == b"cand"
        server.up = True
        while (await ask(s.port, post(CHAT, ASK))).body != b"base":
            pass


FAULTS: dict[str, tuple[Answer, str, str]] = {
    "closed at once": (closing(b""), "reset", "unserved_candidate"),
    "reset": (reset_after(b""), "reset", "unserved_candidate"),
    "garbage": (always(b"\xff\x00 no http\r\n\r\n"), "reset", "unserved_candidate"),
    "half a head": (closing(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"), "reset", "unserved_candidate"),
    "500": (always(plain(b"oops", status="500 Oops")), "status", "unserved_candidate"),
    "503": (always(plain(b"", status="503 Busy")), "status", "unserved_candidate"),
    "429": (always(plain(b"", status="429 Slow")), "status", "unserved_candidate"),
    "500 that does not end": (
        always(b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n"),
        "status",
        "unserved_candidate",
    ),
    "404": (always(plain(b"", status="404 No such model")), "rejected", "paired"),
    "401": (always(plain(b"", status="401 Who")), "rejected", "paired"),
}


@asynccontextmanager
async def candidate(name: str) -> AsyncIterator[str]:
    if name == "absent":
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{unused.getsockname()[1]}"
    else:
        async with serving(FAULTS[name][0]) as peer:
            yield peer.address


@pytest.mark.parametrize("sample", [0.0, 1.0])
@pytest.mark.parametrize("name", [*FAULTS, "absent"])
async def test_where_the_candidate_fails_the_baseline_answers_once(stand: Stands, name: str, sample: float) -> None:
    _, reason, state = FAULTS.get(name, (None, "refused", "unserved_candidate"))
    async with (
        serving(always(plain(b'{"a":1}'))) as baseline,
        candidate(name) as address,
        stand(baseline.address, address, weight=1.0, mirror={"sample": sample}) as s,
    ):
        response = await ask(s.port, post(CHAT, ASK, extra="Authorization: Bearer k\r\n"))
        assert (response.status, response.body) == (200, b'{"a":1}')
        assert await s.settled() == {state if sample else "not_sampled": 1}
        assert len(baseline.requests) == 1
        assert baseline.requests[0].headers[b"authorization"] == b"Bearer k"
        assert told(s, "fallbacks_total", reason=reason) == 1
        assert told(s, "ledger_total", state=state if sample else "not_sampled", primary="candidate") == 1
        for pair, _ in s.pairs:
            assert (pair.primary, pair.baseline.body) == ("candidate", b'{"a":1}')
            assert pair.baseline.end == "complete"
            if name.isdecimal():
                assert (pair.candidate.end, pair.candidate.status) == ("complete", int(name))
            elif name == "absent":
                assert pair.candidate.end == "refused"


async def test_a_request_that_both_arms_reject_is_its_own_fault(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base", status="422 Unprocessable"))) as baseline,
        serving(always(plain(b"cand", status="400 Bad"))) as other,
        stand(baseline.address, other.address, weight=1.0) as s,
    ):
        response = await ask(s.port, post(CHAT, ASK))
        assert (response.status, response.body) == (422, b"base")
        assert await s.settled() == {"dropped_rejected": 1}
        assert told(s, "breaker_open") == 0


async def test_a_baseline_that_fails_too_is_not_asked_again(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base", status="500 Oops"))) as baseline,
        serving(closing(b"")) as other,
        stand(baseline.address, other.address, weight=1.0) as s,
    ):
        response = await ask(s.port, post(CHAT, ASK))
        assert (response.status, response.body) == (500, b"base")
        assert await s.settled() == {"unserved_both": 1}
        assert (len(baseline.requests), len(other.requests)) == (1, 1)


async def test_an_answer_that_has_begun_is_broken_off_and_not_begun_anew(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(reset_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")) as other,
        stand(baseline.address, other.address, weight=1.0) as s,
    ):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await ask(s.port, post(CHAT, STREAM))
        assert await s.settled() == {"unserved_candidate": 1}
        assert [b"x-slipgauge-leg" in each.headers for each in baseline.requests] == [True]
        assert told(s, "fallbacks_total", reason="reset") == 0


async def test_a_fallback_takes_the_place_of_a_mirror_under_way(stand: Stands) -> None:
    mirrored, released = asyncio.Event(), asyncio.Event()

    async def base(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if b"x-slipgauge-leg" in received.headers:
            mirrored.set()
            assert await reader.read() == b""
            released.set()
        else:
            writer.write(plain(b"fallback"))

    async def failing(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await mirrored.wait()
        writer.write(plain(b"", status="503 Busy"))

    async with (
        serving(base) as baseline,
        serving(failing) as other,
        stand(baseline.address, other.address, weight=1.0, mirror={"start_after": 0.01}) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == b"fallback"
        await released.wait()
        assert await s.settled() == {"unserved_candidate": 1}
        assert s.pairs[0][0].baseline.body == b"fallback"
        assert s.gateway._services.mirrors_in_flight == 0
        assert s.gateway._services.held.used == 0


async def test_a_repeat_is_made_of_a_request_that_fell_back_as_of_any_other(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(closing(b"")) as other,
        stand(baseline.address, other.address, weight=1.0, mirror={"repeat": 1.0}) as s,
    ):
        await ask(s.port, post(CHAT, ASK))
        assert await s.settled() == {"unserved_candidate": 1}
        assert s.pairs[0][0].repeat is not None
        assert [b"x-slipgauge-leg" in each.headers for each in baseline.requests].count(True) == 1


async def test_a_stream_that_does_not_begin_is_the_baselines_and_the_candidate_is_heard_out(stand: Stands) -> None:
    fallen_back = asyncio.Event()

    async def base(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        fallen_back.set()
        writer.write(plain(b"base"))

    async def late(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await fallen_back.wait()
        await streamed(EVENTS)(peer, received, reader, writer)

    async with (
        serving(base) as baseline,
        serving(late) as other,
        stand(baseline.address, other.address, weight=1.0, canary={"silence": 0.02}) as s,
    ):
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        assert await s.settled() == {"paired": 1}
        ((pair, _),) = s.pairs
        assert (pair.baseline.body, pair.candidate.body) == (b"base", b"".join(EVENTS))
        assert told(s, "fallbacks_total", reason="silence") == 1
        assert len(baseline.requests) == 1
        await ask(s.port, post(CHAT, STREAM))
        assert other.connections == 1, "its connection was kept"


def head_then(released: asyncio.Event, events: list[bytes]) -> Answer:
    """The head of a stream at once, as servers send it before a model has said anything; the rest when released."""

    async def answer(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % size)
        await released.wait()
        writer.write(b"".join(events))

    size = sum(map(len, events))
    return answer


async def test_a_stream_of_which_only_the_head_comes_has_not_begun(stand: Stands) -> None:
    fallen_back = asyncio.Event()

    async def base(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if b"x-slipgauge-leg" not in received.headers:
            fallen_back.set()
        writer.write(plain(b"base"))

    async with (
        serving(base) as baseline,
        serving(head_then(fallen_back, EVENTS)) as other,
        stand(baseline.address, other.address, weight=1.0, canary={"silence": 0.02}) as s,
    ):
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        assert await s.settled() == {"paired": 1}
        ((pair, _),) = s.pairs
        assert (pair.candidate.status, pair.candidate.content_type) == (200, "text/event-stream")
        assert (pair.baseline.body, pair.candidate.body) == (b"base", b"".join(EVENTS))
        assert told(s, "fallbacks_total", reason="silence") == 1


async def test_a_stream_of_which_nothing_comes_after_the_head_is_unserved(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(head_then(asyncio.Event(), EVENTS)) as other,
        stand(
            baseline.address,
            other.address,
            weight=1.0,
            canary={"silence": 0.02, "breaker": {"failures": 2}},
            mirror={"deadline": 1.0},
        ) as s,
    ):
        for _ in range(2):
            assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        assert told(s, "breaker_open") == 1
        assert await s.settled() == {"unserved_candidate": 2}
        assert s.pairs[0][0].candidate.end == "deadline"


async def test_a_head_that_comes_early_goes_on_with_the_first_of_its_stream(stand: Stands) -> None:
    mirrored = asyncio.Event()

    async def base(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        mirrored.set()
        writer.write(plain(b"base"))

    async with (
        serving(base) as baseline,
        serving(head_then(mirrored, EVENTS)) as other,
        stand(baseline.address, other.address, weight=1.0, mirror={"start_after": 60.0}) as s,
    ):
        response = await ask(s.port, post(CHAT, STREAM))
        assert (response.header(b"content-type"), response.body) == (b"text/event-stream", b"".join(EVENTS))
        assert await s.settled() == {"paired": 1}
        assert s.pairs[0][0].candidate.body == b"".join(EVENTS)


async def test_a_stream_that_breaks_off_after_its_head_is_the_baselines(stand: Stands) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\n"
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(closing(head)) as other,
        stand(baseline.address, other.address, weight=1.0) as s,
    ):
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        assert told(s, "fallbacks_total", reason="reset") == 1


async def test_an_ejected_candidate_is_tried_again_where_no_mirror_reaches_it(stand: Stands) -> None:
    async def once_bad(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(plain(b"", status="500 Oops") if len(peer.requests) == 1 else plain(b"cand"))

    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(once_bad) as other,
        stand(
            baseline.address,
            {"url": other.address, "ejection": {"failures": 1, "pause": 0.05}},
            weight=1.0,
            mirror={"sample": 0.0},
        ) as s,
    ):
        answers = [(await ask(s.port, post(CHAT, ASK))).body]
        while answers[-1] != b"cand":
            answers.append((await ask(s.port, post(CHAT, ASK))).body)
        assert set(answers[:-1]) == {b"base"}
        assert len(other.requests) == 2


async def test_a_candidate_that_stays_silent_is_unserved_at_the_deadline(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, weight=1.0, canary={"silence": 0.02}, mirror={"deadline": 1.0}) as s,
    ):
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        assert await s.settled() == {"unserved_candidate": 1}
        assert s.pairs[0][0].candidate.end == "deadline"
        await other.until(lambda: other.open == 0)


async def test_a_silent_candidate_that_closes_a_kept_connection_is_unserved_and_asked_nothing_more(
    stand: Stands,
) -> None:
    async def once(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if len(peer.requests) == 1:
            writer.write(plain(b"cand"))
        else:
            await asyncio.sleep(0.1)
            writer.close()

    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(once) as other,
        stand(baseline.address, other.address, weight=1.0, canary={"silence": 0.02}) as s,
    ):
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"cand"
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        assert await s.settled() == {"paired": 1, "unserved_candidate": 1}
        assert s.pairs[-1][0].candidate.end == "reset"
        assert (len(other.requests), other.connections) == (2, 1)


async def test_a_silent_candidate_is_heard_out_however_slow_its_client_was(stand: Stands) -> None:
    """What it said before was more than its client took, so that nothing more was read."""

    async def late(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        (client,) = s.gateway._services.clients
        client.pause_writing()  # as where its buffers are full
        await baseline.until(lambda: len(baseline.requests) == 1)
        client.resume_writing()
        writer.write(plain(b"cand"))

    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(late) as other,
        stand(baseline.address, other.address, weight=1.0, canary={"silence": 0.02}, mirror={"deadline": 1.0}) as s,
    ):
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        assert await s.settled() == {"paired": 1}


async def test_a_silent_candidate_of_an_unsampled_session_is_aborted(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, weight=1.0, canary={"silence": 0.02}, mirror={"sample": 0.0}) as s,
    ):
        assert (await ask(s.port, post(CHAT, STREAM))).body == b"base"
        await other.until(lambda: other.open == 0)


async def test_an_answer_in_one_piece_may_begin_later_than_a_stream(stand: Stands) -> None:
    mirrored = asyncio.Event()

    async def base(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        mirrored.set()
        writer.write(plain(b"base"))

    async def slow(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await mirrored.wait()
        writer.write(plain(b"cand"))

    canary = {"silence": 0.01}
    async with (
        serving(base) as baseline,
        serving(slow) as other,
        stand(baseline.address, other.address, weight=1.0, canary=canary, mirror={"start_after": 0.1}) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == b"cand"
        assert await s.settled() == {"paired": 1}


async def test_an_answer_in_one_piece_that_is_not_there_at_the_deadline_is_the_baselines(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, weight=1.0, mirror={"deadline": 1.0}) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == b"base"
        assert await s.settled() == {"unserved_candidate": 1}
        assert s.pairs[0][0].candidate.end == "deadline"
        await other.until(lambda: other.open == 0)


async def test_a_candidate_unfinished_at_its_deadline_goes_on_for_its_client(stand: Stands) -> None:
    release = asyncio.Event()

    async def late(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await release.wait()
        writer.write(b"k")

    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(late) as other,
        stand(baseline.address, other.address, weight=1.0) as s,
    ):
        asking = asyncio.get_running_loop().create_task(ask(s.port, post(CHAT, ASK)))
        await baseline.until(lambda: len(baseline.requests) == 1)
        await until(lambda: not s.gateway._services.mirrors_in_flight)
        s.pass_deadline()
        assert await s.settled() == {"unserved_candidate": 1}
        release.set()
        assert (await asking).body == b"ok"


async def test_a_client_that_leaves_aborts_the_candidate_before_its_first_byte(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(silent) as other,
        stand(baseline.address, other.address, weight=1.0, mirror={"start_after": 60.0}) as s,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post(CHAT, STREAM))
        await other.until(lambda: len(other.requests) == 1)
        writer.close()
        await other.until(lambda: other.open == 0)
        assert await s.settled() == {"client_abort": 1}
        assert baseline.requests == []


async def test_a_candidate_that_keeps_failing_is_left_out_and_tried_again(stand: Stands) -> None:
    healthy = False

    async def ailing(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(plain(b"cand") if healthy else plain(b"", status="500 Oops"))

    canary = {"breaker": {"failures": 3, "pause": 2.0}}
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(ailing) as other,
        stand(
            baseline.address,
            {"url": other.address, "ejection": {"failures": 1_000}},
            weight=1.0,
            canary=canary,
            mirror={"sample": 0.0},
        ) as s,
    ):
        for _ in range(10):
            assert (await ask(s.port, post(CHAT, ASK))).body == b"base"
        assert len(other.requests) == 3
        assert told(s, "breaker_open") == 1
        assert told(s, "ledger_total", state="not_sampled", primary="baseline") == 7
        healthy = True
        while (await ask(s.port, post(CHAT, ASK))).body == b"base":  # until the pause is over
            pass
        assert (await ask(s.port, post(CHAT, ASK))).body == b"cand"
        assert told(s, "breaker_open") == 0


async def test_no_request_goes_first_to_an_arm_without_a_server_that_is_well(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(closing(b"")) as other,
        stand(
            baseline.address,
            {"url": other.address, "ejection": {"failures": 1, "pause": 60.0}},
            weight=1.0,
            mirror={"sample": 0.0},
        ) as s,
    ):
        for _ in range(5):
            assert (await ask(s.port, post(CHAT, ASK))).body == b"base"
        assert len(other.requests) == 1
