"""Every hostile answer on real sockets: of the server that answers the client, and of the mirrored one."""

from __future__ import annotations

import json

import pytest

from proxy.gateway.response import BadResponseError, ResponseReader
from tests.fuzz import reference
from tests.gateway.hostile import CUT, PASSED, REFUSED, Answer
from tests.gateway.peer import Peer, Reader, Received, Writer, always, plain, post, reset, serving
from tests.gateway.recorder import exchange
from tests.gateway.smuggling import AFTER
from tests.gateway.stands import Stand, Stands

CHAT = "/v1/chat/completions"
ASK = post(CHAT, b'{"model":"m"}')
BROKEN = {**REFUSED, **CUT}
LIMITS = {"idle_timeout": 5.0, "drain": 0.05}


class Server:
    """Gives `answer` to what asks for it, and to everything else its own path."""

    def __init__(self) -> None:
        self.answer = Answer(b"", "")

    async def __call__(self, peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        if received.path != CHAT.encode():
            writer.write(plain(b"for " + received.path))
            return
        writer.write(self.answer.sent)
        if self.answer.then == "reset":
            await writer.drain()
            reset(writer)
        elif self.answer.then == "close":
            writer.close()


def test_the_table_is_no_smaller_than_it_claims() -> None:
    assert len(REFUSED) + len(CUT) + len(PASSED) >= 100


def feed_all(reader: ResponseReader, sent: bytes, size: int) -> None:
    for at in range(0, len(sent), size):
        reader.feed(sent[at : at + size])


@pytest.mark.parametrize("name", [name for name, answer in BROKEN.items() if answer.then == "keep"])
@pytest.mark.parametrize("size", [1, 997, 2**20], ids=["bytewise", "in pieces", "at once"])
def test_a_reader_refuses_it_however_it_arrives(name: str, size: int) -> None:
    sent = BROKEN[name].sent
    reader = ResponseReader(head_bytes=65_536)
    reader.expect(to_head=False)
    with pytest.raises(BadResponseError):
        feed_all(reader, sent, size)
    assert not reader.complete
    assert reader.head is None or name in CUT


async def _of_its_own(s: Stand) -> None:
    """Another client gets the answer to what it asked."""
    answer = await exchange(s.port, b"GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    (message,), _ = reference.response(answer, to_head=False, closed=False)
    assert message.body == b"for /other"


async def test_an_answer_that_breaks_http_is_an_error_or_visibly_cut_and_nobody_gets_its_bytes(
    stand: Stands,
) -> None:
    server = Server()
    async with (
        serving(server) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        stand(baseline.address, candidate.address, limits=LIMITS) as s,
    ):
        for name, server.answer in BROKEN.items():
            raw = await exchange(s.port, ASK + AFTER)
            assert b"STOLEN" not in raw, name
            assert b"/after" not in raw, name
            try:
                (*_, message), _ = reference.response(raw, to_head=False, closed=False)
            except reference.GrammarError:
                assert name in CUT, name
            else:
                assert message.start[1] == b"502", name
                assert json.loads(message.body)["error"]["code"] == "bad_gateway", name
            await _of_its_own(s)
        assert await s.settled() == {"unserved_baseline": len(BROKEN)}


async def test_a_strange_answer_is_passed_on_as_what_it_says_and_nothing_behind_it(stand: Stands) -> None:
    server = Server()
    async with serving(server) as baseline, stand(baseline.address, baseline.address, mirror={"sample": 0.0}) as s:
        for name, passed in PASSED.items():
            server.answer = passed.answer
            to_head = passed.method == "HEAD"
            asked = f"{passed.method} {CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
            raw = await exchange(s.port, asked.encode() + AFTER)
            assert b"STOLEN" not in raw, name
            (*_, message), end = reference.response(raw, to_head=to_head, closed=False)
            assert message.start[1:] == (b"%d" % passed.status, passed.reason), name
            fields = [(key.lower(), value) for key, value in message.fields if key.lower() != b"transfer-encoding"]
            if not to_head and passed.body:
                fields = [item for item in fields if item[0] != b"content-length"]
            assert fields == list(passed.fields), name
            assert message.body == passed.body, name
            (after,), _ = reference.response(raw[end:], to_head=False, closed=False)
            assert after.body == b"for /after", name
            await _of_its_own(s)


@pytest.mark.parametrize("kind", ["refused", "cut", "passed"])
async def test_a_hostile_mirror_changes_not_a_byte_for_clients(stand: Stands, kind: str) -> None:
    answers = {
        "refused": REFUSED,
        "cut": CUT,
        "passed": {name: passed.answer for name, passed in PASSED.items() if passed.method == "POST"},
    }[kind]
    server = Server()
    own = plain(b'{"answer":1}', extra="X-Own: 1\r\n")
    async with (
        serving(always(own)) as baseline,
        serving(server) as candidate,
        stand(baseline.address, candidate.address, limits=LIMITS) as s,
    ):
        for name, server.answer in answers.items():
            raw = await exchange(s.port, ASK + AFTER)
            assert raw.startswith(own), name
            assert raw[len(own) :] == own.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), name
            await s.settled()
            (pair, state) = s.pairs.pop()
            if kind == "passed":
                expected = "paired" if PASSED[name].status < 500 else "unserved_candidate"
                assert (state, pair.candidate.body) == (expected, PASSED[name].body), name
            else:
                assert (state, b"STOLEN" in pair.candidate.body) == ("unserved_candidate", False), name
        services = s.gateway._services
        assert (services.mirrors_in_flight, services.held.used) == (0, 0)
