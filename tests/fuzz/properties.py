"""What must hold for any bytes. Hypothesis and the coverage-guided fuzzer check the same functions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import orjson

from analyzers.sse import Parser
from proxy.address import parse_url
from proxy.gateway.bodies import mirror_body, renamed, seeded
from proxy.gateway.eligibility import TooIntricateError, conversation, parse_object, stands_alone
from proxy.gateway.outgoing import Target, host_line, mirror_head, primary_head
from proxy.gateway.request import Request, RequestReader
from proxy.gateway.response import BadResponseError, ResponseHead, ResponseReader, head_bytes
from tests.fuzz import reference

HEAD_BYTES = 600
BODY_BYTES = 100_000
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect http2-settings "
    b"proxy-authorization proxy-authenticate proxy-authentication-info x-slipgauge-leg".split()
)
"""Fields that no next leg may see."""
TARGET = Target(name="baseline", credentials=b"\r\nAuthorization: Bearer arm", models={})
SERVER = host_line(parse_url("http://model:8000"))


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at these places, taken modulo its length."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


# requests


def read_requests(arrivals: list[bytes]) -> RequestReader:
    reader = RequestReader(HEAD_BYTES, BODY_BYTES)
    for data in arrivals:
        reader.feed(data)
    return reader


def whole(reader: RequestReader) -> list[Request]:
    """The requests that are complete; only the last may not be."""
    assert all(request.complete for request in list(reader.requests)[:-1])
    return [request for request in reader.requests if request.complete]


def body_of(request: Request) -> bytes:
    return b"".join(request.pieces)


def told(request: Request) -> tuple[object, ...]:
    """All that a request says."""
    return (
        *(request.method, request.target, request.path, request.forward, dict(request.control), request.length),
        *(request.chunked, request.http10, request.keep_alive, request.expects_continue, request.complete),
    )


def requests_do_not_depend_on_arrival(wire: bytes, cuts: list[int]) -> None:
    """However the bytes are cut, the requests are the same, and so is the refusal."""
    at_once, in_pieces = read_requests([wire]), read_requests(split(wire, cuts))
    assert list(map(told, in_pieces.requests)) == list(map(told, at_once.requests))
    if at_once.refusal is None:
        assert in_pieces.refusal is None
        assert list(map(body_of, in_pieces.requests)) == list(map(body_of, at_once.requests))
        assert (in_pieces.in_head, in_pieces.reading_body) == (at_once.in_head, at_once.reading_body)
    else:  # how much came before a fault depends on the arrival that held it
        assert list(map(body_of, whole(in_pieces))) == list(map(body_of, whole(at_once)))
        assert in_pieces.refusal is not None
        assert (in_pieces.refusal.status, in_pieces.refusal.code) == (at_once.refusal.status, at_once.refusal.code)


def requests_keep_to_the_grammar(wire: bytes) -> None:
    """Each request that is accepted is the one that the letter of RFC 9112 finds there."""
    found = reference.requests(wire)
    for request in whole(read_requests([wire])):
        try:
            expected, _ = next(found)
        except (StopIteration, reference.GrammarError) as error:
            raise AssertionError(f"accepted against the grammar: {error!r}") from error
        hosts = expected.values(b"host")
        assert len(hosts) == 1 or (not hosts and request.http10)
        assert request.method == expected.start[0]
        assert request.target == reference.origin_form(expected.start[1], request.method)
        assert body_of(request) == expected.body
        dropped = HOP_BY_HOP | expected.named() | {b"host", b"content-length", b"close"}
        passing = [
            (name, value)
            for name, value in expected.fields
            if name.lower() not in dropped and not name.lower().startswith(b"x-slipgauge-")
        ]
        assert _fields(request.forward) == passing


def a_forwarded_request_is_one_request(wire: bytes) -> None:
    """What goes to either leg is exactly one request, with the same body and no hop-by-hop field."""
    for request in whole(read_requests([wire])):
        body = body_of(request)
        head = primary_head(request, SERVER, len(body) if request.has_body else None)
        sent = _only(head + body)
        assert sent.start == (request.method, request.target, b"1")
        assert sent.body == body
        assert sent.values(b"host") == [b"model:8000"]
        assert not HOP_BY_HOP & {name.lower() for name, _ in sent.fields}
        body = b'{"model":"m"}'
        copy = _only(mirror_head(request, TARGET, SERVER, len(body)) + body)
        assert copy.start == (request.method, request.path, b"1")
        assert copy.body == body
        assert copy.values(b"host") == [b"model:8000"]
        assert copy.values(b"x-slipgauge-leg") == [b"mirror"]
        assert copy.values(b"authorization") == [b"Bearer arm"]
        assert {item for item in copy.fields if item not in sent.fields} <= {
            (b"X-Slipgauge-Leg", b"mirror"),
            (b"Authorization", b"Bearer arm"),
            (b"Content-Length", b"%d" % len(body)),
        }


def _only(wire: bytes) -> reference.Message:
    ((message, _),) = reference.requests(wire)
    return message


def _fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    fields = []
    for line in lines.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        fields.append((name, value.strip(b" \t")))
    return fields


def a_request_says_nothing_of_the_next(first: bytes, second: bytes) -> None:
    """What came before on a connection, if it was whole and keeps it, changes nothing in how a request is read."""
    reader = read_requests([first])
    before = len(reader.requests)
    if reader.refusal or reader.in_head or reader.reading_body or not all(r.keep_alive for r in reader.requests):
        return
    alone = read_requests([second])
    reader.feed(second)
    assert list(map(told, list(reader.requests)[before:])) == list(map(told, alone.requests))
    assert (reader.refusal and reader.refusal.status) == (alone.refusal and alone.refusal.status)


# responses


@dataclass
class Answer:
    """What a `ResponseReader` made of some bytes."""

    interim: list[bytes]
    head: ResponseHead | None
    body: bytes
    complete: bool
    broken: bool


def read_response(arrivals: list[bytes], *, to_head: bool, closed: bool) -> Answer:
    reader = ResponseReader(HEAD_BYTES)
    reader.expect(to_head=to_head)
    answer = Answer([], None, b"", complete=False, broken=False)
    for data in arrivals:
        try:
            reader.feed(data)
        except BadResponseError:
            answer.broken = True
        answer.body += reader.body
        if answer.broken:
            break
    if closed and not answer.broken and not reader.complete:
        answer.broken = not reader.end_of_stream()
    answer.interim = [head_bytes(head, chunked=False, close=False) for head in reader.interim]
    answer.head, answer.complete = reader.head, reader.complete
    return answer


def told_of(answer: Answer) -> tuple[object, ...]:
    """All that an answer says."""
    head = answer.head
    said = head and (head.status, head.reason, head.lines, head.length, head.bodiless, head.until_close, head.wire)
    return answer.interim, said, head and head.keep_alive, answer.body, answer.complete, answer.broken


def responses_do_not_depend_on_arrival(wire: bytes, cuts: list[int], *, to_head: bool) -> None:
    """However the bytes are cut, the answer is the same, and so is the fault."""
    at_once = read_response([wire], to_head=to_head, closed=True)
    in_pieces = read_response([part for part in split(wire, cuts) if part], to_head=to_head, closed=True)
    if at_once.head is None or not at_once.complete:
        at_once.body = in_pieces.body = b""  # how much came before a fault depends on the arrival that held it
    assert told_of(at_once) == told_of(in_pieces)


def an_answer_says_nothing_of_the_next(first: bytes, second: bytes) -> None:
    """What came before on a connection that is kept changes nothing in how an answer is read."""
    reader = ResponseReader(HEAD_BYTES)
    reader.expect(to_head=False)
    try:
        reader.feed(first)
    except BadResponseError:
        return
    if not reader.complete or reader.head is None or not reader.head.keep_alive:
        return
    reader.interim.clear()
    alone, after = _answer(ResponseReader(HEAD_BYTES), second), _answer(reader, second)
    assert told_of(after) == told_of(alone)


def _answer(reader: ResponseReader, wire: bytes) -> Answer:
    reader.expect(to_head=False)
    broken = False
    try:
        reader.feed(wire)
    except BadResponseError:
        broken = True
    interim = [head_bytes(head, chunked=False, close=False) for head in reader.interim]
    return Answer(interim, reader.head, reader.body, reader.complete, broken)


def responses_keep_to_the_grammar(wire: bytes, *, to_head: bool) -> None:
    """An answer that is accepted is the one that the letter of RFC 9112 finds there, and goes on as that."""
    answer = read_response([wire], to_head=to_head, closed=True)
    if not answer.complete or answer.head is None:
        return
    try:
        messages, end = reference.response(wire, to_head=to_head, closed=True)
    except reference.GrammarError as error:
        raise AssertionError(f"accepted against the grammar: {error!r}") from error
    expected, head = messages[-1], answer.head
    assert head.status == int(expected.start[1])
    assert answer.body == expected.body
    assert answer.broken or not wire[end:].strip(b"\r\n")
    for close in (False, True):
        chunked = head.length is None and not head.bodiless
        framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer.body), answer.body) if answer.body else b"0\r\n\r\n"
        passed = head_bytes(head, chunked=chunked, close=close) + (framed if chunked else answer.body)
        (sent,), all_of_it = reference.response(passed, to_head=to_head, closed=False)
        assert all_of_it == len(passed)
        assert (sent.start[1], sent.body) == (expected.start[1], expected.body)
        lost = (HOP_BY_HOP | expected.named() | {b"close"}) - {b"x-slipgauge-leg", b"expect", b"content-length"}
        if head.status == 204:
            lost |= {b"content-length"}
        framing = [(b"Transfer-Encoding", b"chunked")] * chunked + [(b"Connection", b"close")] * close
        kept = [(name, value) for name, value in expected.fields if name.lower() not in lost]
        same = sorted((name.lower(), value.lower()) for name, value in sent.fields)
        assert same == sorted((name.lower(), value.lower()) for name, value in kept + framing)


# events


def events_do_not_depend_on_arrival(stream: bytes, cuts: list[int]) -> None:
    """However the bytes are cut, within a letter or a line end too, the events are those of the whole stream."""
    parser = Parser()
    events = [event for data in split(stream, cuts) for event in parser.feed(data)]
    assert [(event.name, event.data) for event in events] == reference.events(stream)
    ends = [0, *(event.end for event in events), len(stream)]
    assert ends == sorted(ends)
    for start, end in pairwise(ends[:-1]):
        assert reference.events(stream[:end])[:-1] == reference.events(stream[:start])


# bodies


def a_renamed_body_asks_for_the_same_of_another_model(body: bytes) -> None:
    """Renaming the model, setting a seed, and keeping the answer from being stored change that in a body alone."""
    try:
        parsed = parse_object(body)
    except TooIntricateError:
        return
    if parsed is None or not isinstance(parsed.get("model"), str):
        return
    name = parsed["model"] + "-int4"
    copy = renamed(body, parsed, name)
    assert orjson.loads(copy) == {**parsed, "model": name}
    assert renamed(body, parsed, parsed["model"]) is body
    reader = read_requests([b"POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"])
    assert orjson.loads(mirror_body(reader.requests[0], copy, parsed)) == {**parsed, "model": name, "store": False}
    if parsed.get("seed") is None:
        both = renamed(seeded(body, parsed, 7), parsed, name)
        assert orjson.loads(both) == {**parsed, "model": name, "seed": 7}
    with suppress(TooIntricateError):
        stands_alone(parsed)
    conversation(parsed)
