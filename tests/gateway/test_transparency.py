# ruff: noqa: ARG001 - an answer takes what every answer is given
"""What a client gets through the gateway is, byte for byte, what the server would have given it directly."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.gateway.peer import (
    Answer,
    Peer,
    Reader,
    Received,
    Response,
    Writer,
    always,
    ask,
    closing,
    plain,
    post,
    read_response,
    reset_after,
    serving,
    silent,
    streamed,
)
from tests.gateway.stands import Stands

ASK = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
EVENT = 'data: {"text":"naïve 量子 🙂"}\n\n'.encode()
SPLIT = [EVENT[:15], EVENT[15:17], EVENT[17:24], EVENT[24:25], EVENT[25:], b"data: [DONE]\n\n"]


def end_to_end(response: Response) -> tuple[int, bytes, list[tuple[bytes, bytes]], bytes]:
    hop_by_hop = (b"connection", b"transfer-encoding", b"keep-alive")
    headers = [(k, v) for k, v in response.headers if k.lower() not in hop_by_hop]
    return response.status, response.reason, headers, response.body


BIG = json.dumps({"choices": ["x" * 8_000_000]}).encode()
ANSWERS: dict[str, Answer] = {
    "plain": always(plain(b'{"a":1}', extra="X-Request-Id: r\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n")),
    "empty body": always(plain(b"")),
    "404 with its own reason": always(plain(b'{"error":{}}', status="404 Nowhere")),
    "500": always(plain(b"oops", status="500 Internal Server Error")),
    "429": always(plain(b"slow down", status="429 Too Many Requests", extra="Retry-After: 3\r\n")),
    "204": always(b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
    "304": always(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'),
    "redirect": always(plain(b"", status="307 Temporary Redirect", extra="Location: /v2\r\n")),
    "no reason": always(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"),
    "non-ASCII header": always(plain(b"ok", extra="X-Text: café\r\n")),
    "8 MB": always(plain(BIG)),
    "streamed, UTF-8 split over events": streamed(SPLIT),
    "streamed, nothing": streamed([]),
    "ends with the connection": closing(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + EVENT),
    "HTTP/1.0 server": closing(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    "gzip untouched": always(plain(b"\x1f\x8b\x08\x00not-really", extra="Content-Encoding: gzip\r\n")),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_the_same_as_directly(stand: Stands, name: str) -> None:
    async with (
        serving(ANSWERS[name]) as baseline,
        serving(silent) as candidate,
        stand(baseline.address, candidate.address, limits={"drain": 0.05}) as s,
    ):
        for path in ("/v1/chat/completions", "/v1/models"):
            data = post(path, ASK)
            direct = await ask(baseline.port, data)
            through = await ask(s.port, data)
            assert end_to_end(through) == end_to_end(direct)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "/v1/models"),
        (b"x" * 8_000_000, "/v1/chat/completions"),
        (b"x" * 8_000_000, "/v1/files"),
        (b'{"model":"m","x":"' + b"y" * 3_000_000 + b'"}', "/v1/chat/completions"),
        (b"\x00\xff not json", "/v1/chat/completions"),
    ],
    ids=["empty", "8 MB mirrored path", "8 MB other path", "3 MB held", "not JSON"],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_request_body_arrives_unchanged(stand: Stands, body: bytes, path: str, *, chunked: bool) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        stand(baseline.address, candidate.address) as s,
    ):
        if chunked:
            framed = b"".join(
                b"%x\r\n%b\r\n" % (len(part), part)
                for part in (body[i : i + 300_000] for i in range(0, len(body), 300_000))
            )
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            response = await ask(s.port, head + framed + b"0\r\n\r\n")
        else:
            response = await ask(s.port, post(path, body))
        assert response.body == b"ok"
        assert baseline.requests[0].body == body
        assert baseline.requests[0].path == path.encode()


async def test_each_event_is_passed_on_before_the_next_is_sent(stand: Stands) -> None:
    seen = asyncio.Semaphore(0)

    async def in_step(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(20):
            writer.write(b"2\r\n%02d\r\n" % number)
            await seen.acquire()
        writer.write(b"0\r\n\r\n")

    async with (
        serving(in_step) as baseline,
        serving(silent) as candidate,
        stand(baseline.address, candidate.address, limits={"drain": 0.05}) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(post("/v1/chat/completions", ASK))
        await reader.readuntil(b"\r\n\r\n")
        for number in range(20):
            assert await reader.readexactly(7) == b"2\r\n%02d\r\n" % number
            seen.release()
        assert await reader.readexactly(5) == b"0\r\n\r\n"
        writer.close()


async def test_head_gives_the_length_and_no_body(stand: Stands) -> None:
    async with (
        serving(always(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) as baseline,
        stand(baseline.address, baseline.address) as s,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        for _ in range(2):
            writer.write(b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
            response = await read_response(reader, to_head=True)
            assert (response.status, response.header(b"content-length")) == (200, b"5")
        writer.close()


async def test_an_http_1_0_client_gets_an_answer_that_ends_with_the_connection(stand: Stands) -> None:
    async with (
        serving(streamed(SPLIT)) as baseline,
        serving(silent) as candidate,
        stand(baseline.address, candidate.address, limits={"drain": 0.05}) as s,
    ):
        response = await ask(s.port, b"GET /v1/models HTTP/1.0\r\n\r\n")
        assert response.header(b"transfer-encoding") is None
        assert response.body == b"".join(SPLIT)


async def test_an_early_hint_is_passed_on_and_a_100_is_not(stand: Stands) -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: l\r\n\r\n"
    async with serving(always(hints + plain(b"ok"))) as baseline, stand(baseline.address, baseline.address) as s:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_response(reader)).status == 103
        assert (await read_response(reader)).body == b"ok"
        writer.close()


BROKEN: dict[str, Answer] = {
    "length too short": closing(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
    "no last chunk": closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    "reset in the middle": reset_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_an_answer_that_breaks_off_never_looks_complete(stand: Stands, name: str, version: str) -> None:
    answer = BROKEN[name]

    async def in_two(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        await answer(peer, received, reader, writer)

    async with serving(in_two) as baseline, stand(baseline.address, baseline.address, mirror={"sample": 0.0}) as s:
        request = f"GET /v1/models HTTP/{version}\r\nHost: x\r\n\r\n".encode()
        try:
            response = await ask(s.port, request)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        assert response.status == 502


BEFORE: dict[str, Answer] = {
    "garbage": always(b"\x00\x01 not http\r\n\r\n"),
    "closed": closing(b""),
    "reset": reset_after(b""),
    "length and chunked": always(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "head without end": always(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000),
}


@pytest.mark.parametrize("name", BEFORE)
async def test_a_server_that_gives_no_answer_is_a_502_in_openai_shape(stand: Stands, name: str) -> None:
    async with serving(BEFORE[name]) as baseline, stand(baseline.address, baseline.address) as s:
        response = await ask(s.port, post("/v1/chat/completions", ASK))
        assert response.status == 502
        assert response.header(b"connection") == b"close"
        error = json.loads(response.body)["error"]
        assert error == {"message": error["message"], "type": "api_error", "param": None, "code": "bad_gateway"}
        assert await s.settled() == {"unserved_both": 1}
