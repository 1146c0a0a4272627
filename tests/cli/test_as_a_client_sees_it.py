"""The whole program from outside: its bytes against the server's own, and 300 requests under each fault."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.cli.program import Program, start, write_config
from tests.gateway.peer import (
    Answer,
    Peer,
    Reader,
    Received,
    Response,
    Writer,
    always,
    ask,
    endless,
    plain,
    post,
    reset_after,
    serving,
    silent,
    streamed,
)
from tests.processes.stand import AGAIN

CHAT = "/v1/chat/completions"
ANSWER = orjson.dumps(
    {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Grüße, 量子 🙂"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }
)
EVENT = 'data: {"choices":[{"index":0,"delta":{"content":"naïve 量子 🙂"},"finish_reason":"stop"}]}\n\n'.encode()
STREAM = [EVENT[:58], EVENT[58:60], EVENT[60:66], EVENT[66:], b"data: [DONE]\n\n"]
LARGE = b'{"data":"' + b"x" * 8_000_000 + b'"}'


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[tuple[int, str]]:
    """The data port's number and the admin port's URL of a program of its own."""
    program: Program = await start("run", config)
    try:
        up = await program.event("serving")
        yield int(up["listen"].rpartition(":")[2]), f"http://{up['admin']}"
    finally:
        program.process.kill()
        await program.process.communicate()


async def settled(admin: str, total: int) -> dict[str, int]:
    """The ledger's states above 0, once `total` requests are closed; the test's own timeout ends the wait."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{admin}/ledger") as response:
                ledger: dict[str, Any] = await response.json()
            if ledger["total"] == total and ledger["open"] == 0:
                assert ledger["balanced"]
                assert sum(ledger["states"].values()) == total
                return {state: n for state, n in ledger["states"].items() if n}
            await asyncio.sleep(AGAIN)


async def server(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
    """A model's server: its answer depends on what it is asked, and only on that."""
    if received.path == b"/v1/large":
        answer = always(plain(LARGE))
    elif received.path != CHAT.encode():
        answer = always(plain(b'{"error":{"message":"Not Found"}}', status="404 Not Found"))
    elif b"bad" in received.body:
        answer = always(plain(b'{"error":{"message":"no"}}', status="400 Bad Request"))
    elif b"broken" in received.body:
        answer = always(plain(b"oops", status="500 Internal Server Error", extra="X-Trace: 7\r\n"))
    elif b'"stream":true' in received.body:
        answer = streamed(STREAM)
    else:
        size = b"Echo-Size: %d\r\n" % len(received.body)
        answer = always(plain(ANSWER if received.body else b"", extra=size.decode()))
    await answer(peer, received, reader, writer)


def chat(text: str, *, stream: bool = False) -> bytes:
    """One chat request."""
    return post(
        CHAT, orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}], "stream": stream})
    )


KINDS = {
    "plain": chat("hello"),
    "streamed, UTF-8 split over events": chat("hello", stream=True),
    "400": chat("bad"),
    "500": chat("broken"),
    "404": post("/v1/nowhere", b"{}"),
    "empty body": post(CHAT, b""),
    "8 MB asked": post(CHAT, b'{"model":"m","x":"' + b"y" * 8_000_000 + b'"}'),
    "8 MB answered": b"GET /v1/large HTTP/1.1\r\nHost: x\r\n\r\n",
    "not JSON": post(CHAT, b"\x00\xff"),
    "gzip accepted": post(CHAT, b'{"model":"m"}', extra="Accept-Encoding: gzip\r\n"),
}


def seen(response: Response) -> tuple[int, bytes, list[tuple[bytes, bytes]], bytes]:
    """What must be the same: status, reason, end-to-end headers, body."""
    hop_by_hop = (b"connection", b"transfer-encoding", b"keep-alive", b"date")
    headers = [(name, value) for name, value in response.headers if name.lower() not in hop_by_hop]
    return response.status, response.reason, headers, response.body


async def test_a_hundred_requests_are_answered_as_directly(tmp_path: Path) -> None:
    async with serving(server) as baseline, serving(server) as candidate:
        config = write_config(tmp_path / "c.yaml", baseline.address, candidate.address)
        async with running(config) as (port, admin):
            for name, request in [*KINDS.items()] * 10:
                direct, through = await ask(baseline.port, request), await ask(port, request)
                assert seen(through) == seen(direct), name
            states = await settled(admin, 60)

    assert states == {"paired": 30, "dropped_rejected": 10, "unserved_both": 10, "dropped_request_bytes": 10}


FAULTS: dict[str, tuple[Answer | None, str]] = {
    "absent": (None, "unserved_candidate"),
    "hung": (silent, "unserved_candidate"),
    "reset mid-stream": (
        reset_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        "unserved_candidate",
    ),
    "garbage": (always(b"\xff\x00 no http\r\n\r\n"), "unserved_candidate"),
    "10 MB without end": (endless, "truncated"),
}


@asynccontextmanager
async def faulty(answer: Answer | None) -> AsyncIterator[str]:
    """The address of a candidate that answers so, or of a port where nobody listens."""
    if answer is None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{unused.getsockname()[1]}"
    else:
        async with serving(answer) as peer:
            yield peer.address


@pytest.mark.parametrize("fault", FAULTS)
async def test_of_300_requests_none_notices_the_candidate(tmp_path: Path, fault: str) -> None:
    answer, state = FAULTS[fault]
    async with serving(server) as baseline, faulty(answer) as candidate:
        deadline = 5 if answer is silent else 120  # the baseline has no longer than what hangs
        mirror = {"sample": 1.0, "repeat": 0.0, "deadline": deadline, "in_flight": 400, "answer_bytes": 1_000_000}
        config = write_config(tmp_path / "c.yaml", baseline.address, candidate, mirror=mirror)
        async with running(config) as (port, admin):
            direct = {stream: await ask(baseline.port, chat("hi", stream=stream)) for stream in (False, True)}

            async def client(number: int) -> None:
                for turn in range(30):
                    stream = (number + turn) % 2 == 0
                    assert seen(await ask(port, chat("hi", stream=stream))) == seen(direct[stream])

            await asyncio.gather(*map(client, range(10)))
            states = await settled(admin, 300)

    assert states == {state: 300}
