"""The client's name for a model in an arm's answer: the pure part, then on the wire."""

from __future__ import annotations

import itertools

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.gateway.naming import Naming
from proxy.gateway.response import ResponseHead
from tests.gateway.peer import Answer, always, ask, closing, plain, post, serving, streamed
from tests.gateway.stands import Stands

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m","messages":[]}'
NAMES = {"m": {"baseline": "org/fp16", "candidate": "org/int4"}}


def head(kind: str = "application/json", extra: str = "") -> ResponseHead:
    return ResponseHead(200, b"OK", f"\r\nContent-Type: {kind}\r\nContent-Length: 9{extra}".encode(), 9)


def through(
    pieces: list[bytes], ours: str = "m", theirs: str = "org/int4", kind: str = "application/json"
) -> bytes:
    naming = Naming(ours, theirs)
    naming.head(head(kind))
    passed = [naming.body(piece, last=False) for piece in pieces]
    return b"".join([*passed, naming.body(b"", last=True)])


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (b'{"model":"org/int4","choices":[]}', b'{"model":"m","choices":[]}'),
        (b'{"model" :\n "org/int4"}', b'{"model" :\n "m"}'),
        (b'data: {"model":"org/int4"}\n\ndata: [DONE]\n\n', b'data: {"model":"m"}\n\ndata: [DONE]\n\n'),
        (b'{"response":{"model":"org/int4"}}', b'{"response":{"model":"m"}}'),
        (b'{"model":"org/int4-b"}', b'{"model":"org/int4-b"}'),
        (b'{"model":"other","root":"org/int4"}', b'{"model":"other","root":"org/int4"}'),
        (rb'{"text":"say \"model\":\"org/int4\""}', rb'{"text":"say \"model\":\"org/int4\""}'),
        (b'{"text":"ends in \\"model"', b'{"text":"ends in \\"model"'),
        (b"", b""),
    ],
)
def test_the_name_is_replaced_as_the_value_of_model_and_nowhere_else(answer: bytes, shown: bytes) -> None:
    assert through([answer]) == shown
    assert through([answer[at : at + 1] for at in range(len(answer))]) == shown


def test_names_are_written_as_json_writes_them() -> None:
    answer = orjson.dumps({"model": 'a"\\b'})
    assert orjson.loads(through([answer], ours="é\\1\\g<0>", theirs='a"\\b')) == {"model": "é\\1\\g<0>"}


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from([b'"model"', b":", b" ", b'"org/int4"', b'"org', b"/int4", b"\\", b"{", b"mod", b'"']),
        max_size=12,
    ),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_however_an_answer_is_split_it_comes_out_the_same(parts: list[bytes], cuts: list[int]) -> None:
    answer = b"".join(parts)
    edges = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})
    pieces = [answer[a:b] for a, b in itertools.pairwise(edges)]
    assert through(pieces) == through([answer])


@pytest.mark.parametrize(
    "event", [b'data: {"model":"org/int4","x":1}\n\n', b'data: {"model":"o"}\n\n', b"data: [DONE]\n\n"]
)
def test_a_whole_event_is_never_held_back(event: bytes) -> None:
    naming = Naming("m", "org/int4")
    naming.head(head("text/event-stream; charset=utf-8"))
    assert naming.body(event, last=False).endswith(b"\n\n")


@pytest.mark.parametrize(
    ("kind", "extra"), [("audio/mpeg", ""), ("application/json", "\r\nContent-Encoding: gzip")]
)
def test_what_cannot_be_read_passes_with_its_length(kind: str, extra: str) -> None:
    naming, given_head = Naming("m", "org/int4"), head(kind, extra)
    assert naming.head(given_head) is given_head
    assert naming.body(b'"model":"org/int4"', last=True) == b'"model":"org/int4"'


@pytest.mark.parametrize("weight", [0.0, 1.0])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_sees_the_name_it_asked_for_whichever_arm_answers(
    stand: Stands, *, stream: bool, weight: float
) -> None:
    def answer(name: bytes) -> list[bytes]:
        event = b'{"model":"%b","text":"\xc3\xa9 %b"}' % (name, name)
        return [b"data: " + event + b"\n\n"] * 3 if stream else [event]

    def serve(name: bytes) -> Answer:
        return streamed(answer(name)) if stream else always(plain(answer(name)[0]))

    async with (
        serving(serve(b"org/fp16")) as baseline,
        serving(serve(b"org/int4")) as other,
        stand(baseline.address, other.address, models=NAMES, weight=weight) as s,
    ):
        response = await ask(s.port, post(CHAT, ASK, extra="Accept-Encoding: gzip\r\n"))
        name = b"org/int4" if weight else b"org/fp16"
        expected = b"".join(answer(name)).replace(b'"model":"%b"' % name, b'"model":"m"')
        assert response.body == expected
        await s.settled()
        ((pair, _),) = s.pairs
        assert pair.baseline.body == b"".join(answer(b"org/fp16"))
        assert pair.candidate.body == b"".join(answer(b"org/int4"))
        for each in (*baseline.requests, *other.requests):
            assert each.headers[b"accept-encoding"] == b"identity"
        assert orjson.loads(baseline.requests[0].body)["model"] == "org/fp16"
        assert orjson.loads(other.requests[0].body)["model"] == "org/int4"


async def test_bytes_are_untouched_where_the_names_are_equal(stand: Stands) -> None:
    names = {"m": {"baseline": "m", "candidate": "org/int4"}}
    odd = b'{ "model" : "org/int4" , "x":1e0 }'
    async with (
        serving(always(plain(odd))) as baseline,
        stand(baseline.address, baseline.address, models=names, weight=0.0) as s,
    ):
        response = await ask(s.port, post(CHAT, ASK, extra="Accept-Encoding: gzip\r\n"))
        assert response.body == odd
        assert response.header(b"content-length") == b"%d" % len(odd)
        assert baseline.requests[0].headers[b"accept-encoding"] == b"gzip"


async def test_a_fallback_asks_for_the_baselines_name(stand: Stands) -> None:
    async with (
        serving(always(plain(b'{"model":"org/fp16"}'))) as baseline,
        serving(closing(b"")) as other,
        stand(baseline.address, other.address, models=NAMES, weight=1.0) as s,
    ):
        assert (await ask(s.port, post(CHAT, ASK))).body == b'{"model":"m"}'
        assert orjson.loads(other.requests[0].body)["model"] == "org/int4"
        assert orjson.loads(baseline.requests[0].body)["model"] == "org/fp16"
