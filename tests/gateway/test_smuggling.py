"""Every row of the table on real sockets: to a gateway between two servers that write down each byte they get."""

from __future__ import annotations

import json

import pytest

from proxy.gateway.request import RequestReader
from tests.gateway.recorder import Outcome, exchange, recording, statuses
from tests.gateway.smuggling import AFTER, PASSED, REFUSED, ROWS, Arrival
from tests.gateway.stands import Stands

LAST = Arrival(b"GET", b"/after")
SHORT = {"head_timeout": 1.0, "idle_timeout": 1.0}
"""Seconds that a row may leave the gateway waiting."""
BODY = b'{"model":"m","messages":[{"role":"user","content":"GET /inner HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"}]}'


def test_the_table_is_no_smaller_than_it_claims_and_names_an_rfc_for_each_row() -> None:
    assert len(REFUSED) >= 140
    assert len(PASSED) >= 30
    assert all(row.section[0].isdigit() or row.section.startswith("C.") for row in ROWS.values())


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("size", [1, 2**20], ids=["bytewise", "at once"])
def test_a_reader_refuses_it_however_it_arrives(name: str, size: int) -> None:
    row = REFUSED[name]
    reader = RequestReader(head_bytes=65_536, body_bytes=1_000_000)
    for at in range(0, len(row.sent), size):
        reader.feed(row.sent[at : at + size])
    assert [request for request in reader.requests if request.complete] == []
    if row.status == 408:  # the connection's clock refuses what never ends
        assert reader.refusal is None
    else:
        assert reader.refusal is not None
        assert reader.refusal.status == row.status


async def test_what_breaks_framing_is_answered_in_openai_shape_and_reaches_no_server(stand: Stands) -> None:
    async with (
        recording() as baseline,
        recording() as candidate,
        stand(baseline.address, candidate.address, limits=SHORT) as s,
    ):
        for name, row in REFUSED.items():
            answer = await exchange(s.port, row.sent + AFTER)
            assert Outcome(statuses(answer), baseline.taken()) == Outcome((row.status,), ()), name
            head, _, body = answer.partition(b"\r\n\r\n")
            assert b"Connection: close" in head, name
            assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}, name
        assert candidate.taken() == ()


async def test_what_only_looks_strange_reaches_the_server_as_exactly_one_request(stand: Stands) -> None:
    async with (
        recording() as baseline,
        recording() as candidate,
        stand(baseline.address, candidate.address, limits=SHORT) as s,
    ):
        for name, row in PASSED.items():
            expected = row.arrives if row.closes else (*row.arrives, LAST)
            answer = await exchange(s.port, row.sent + AFTER)
            assert Outcome(statuses(answer), baseline.taken()) == Outcome((200,) * len(expected), expected), name
        assert candidate.taken() == ()


async def test_an_eligible_request_reaches_each_arm_once_with_the_same_body(stand: Stands) -> None:
    chunks = b"".join(
        b"%x;x=y\r\n%b\r\n" % (len(BODY[at : at + 7]), BODY[at : at + 7]) for at in range(0, len(BODY), 7)
    )
    head = (
        b"POST http://other/v1/chat/completions?key=1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: user-agent\r\nUser-Agent: u\r\nAccept: b\r\nCookie: c\r\nAuthorization: Bearer k\r\n\r\n"
    )
    async with recording() as baseline, recording() as candidate, stand(baseline.address, candidate.address) as s:
        answer = await exchange(s.port, head + chunks + b"0\r\nAuthorization: Bearer other\r\n\r\n" + AFTER)
        assert statuses(answer) == (200, 200)
        assert await s.settled() == {"paired": 1}
        fields = {(b"accept", b"b"), (b"cookie", b"c"), (b"authorization", b"Bearer k")}
        path = b"/v1/chat/completions"
        assert baseline.taken() == (Arrival(b"POST", path + b"?key=1", BODY, frozenset(fields)), LAST)
        fields = {(b"accept", b"b"), (b"x-slipgauge-leg", b"mirror")}
        assert candidate.taken() == (Arrival(b"POST", path, BODY, frozenset(fields)),)
