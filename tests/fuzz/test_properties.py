"""Properties of the pure parts, over bytes made to be nearly right. `make fuzz` runs the same ones for longer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.gateway.ledger import Ledger
from proxy.telemetry import Telemetry
from tests.fuzz import properties
from tests.fuzz.ledger_model import LedgerModel
from tests.gateway.hostile import CUT, PASSED, REFUSED
from tests.gateway.smuggling import ROWS

_TOKEN = st.text("abcXYZ-09", min_size=1, max_size=12).map(lambda name: f"X-{name}".encode())
_VALUE = st.binary(max_size=20).map(lambda value: bytes(0x20 + byte % 0x5F for byte in value))
_FIELD = st.builds(lambda name, value: b"%b: %b\r\n" % (name, value), _TOKEN, _VALUE)
_MEANING = st.sampled_from(
    [
        *(b"Host: a\r\n", b"Host: b:1\r\n", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"TRANSFER-ENCODING:CHUNKED\r\n", b"Connection: close\r\n"),
        *(b"Connection: x-a, Keep-Alive\r\n", b"Connection: user-agent\r\n", b"X-A: 1\r\n", b"User-Agent: u\r\n"),
        *(b"TE: trailers\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"Proxy-Connection: close\r\n"),
        *(b"X-Slipgauge-Store: no\r\n", b"X-Slipgauge-Leg: mirror\r\n", b"Content-Type:\tapplication/json \r\n"),
        *(b"Keep-Alive: 5\r\n", b"Set-Cookie: a\r\n", b"Content-Encoding: gzip\r\n", b"Authorization: k\r\n"),
    ]
)
_BODY = st.sampled_from(
    [
        *(b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"1;a=b\r\n\n\r\n2\r\n\r\n\r\n0\r\nX-T: 1\r\n\r\n", b"0\r\n\r\n"),
        *(b"000\r\n\r\n", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"3\r\nabc", b"\r\n"),
    ]
)


def _message(lines: list[bytes]) -> st.SearchStrategy[bytes]:
    fields = st.lists(st.one_of(_MEANING, _FIELD), max_size=6).map(b"".join)
    return st.builds(lambda *parts: b"".join(parts), st.sampled_from(lines), fields, st.just(b"\r\n"), _BODY)


_REQUEST = _message(
    [
        *(b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n", b"GET /a?b HTTP/1.1\r\nHost: a\r\n"),
        *(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n", b"HEAD / HTTP/1.0\r\n"),
        *(
            b"GET http://b/c HTTP/1.1\r\nHost: a\r\n",
            b"GET  / HTTP/1.1\r\n",
            b"GET / RTSP/1.0\r\n",
            b"\r\nGET / HTTP/1.1\r\n",
        ),
    ]
)
_RESPONSE = _message(
    [
        *(
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
            b"HTTP/1.0 500 \r\n",
            b"HTTP/1.1 204\r\n",
        ),
        *(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", b"HTTP/1.1 304 N\r\n", b"HTTP/1.1 999 x\xff\r\n"),
        *(b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\n", b"\r\nHTTP/1.1 200 OK\r\n", b"RTSP/1.0 200 OK\r\n"),
    ]
)


@st.composite
def _spoilt(draw: st.DrawFn, wires: st.SearchStrategy[bytes]) -> bytes:
    """A wire with a few bytes put in, taken out or changed."""
    wire = bytearray(draw(wires))
    for at, drop, put in draw(
        st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 2), st.binary(max_size=2)), max_size=2)
    ):
        start = at % (len(wire) + 1)
        wire[start : start + drop] = put
    return bytes(wire)


SHORT = 5_000
_ANSWERS = [*REFUSED.values(), *CUT.values(), *(passed.answer for passed in PASSED.values())]
CUTS = st.lists(st.integers(0, 3_000), max_size=30)
REQUESTS = st.one_of(
    st.lists(_REQUEST, min_size=1, max_size=3).map(b"".join),
    _spoilt(_REQUEST),
    _spoilt(st.sampled_from([row.sent for row in ROWS.values() if len(row.sent) < SHORT])),
)
RESPONSES = st.one_of(
    _RESPONSE,
    _spoilt(_RESPONSE),
    _spoilt(st.sampled_from([answer.sent for answer in _ANSWERS if len(answer.sent) < SHORT])),
)
EVENTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["data: é€😀", "data", ":", "event: e", "\n", "\r", "\r\n", "\n\n", "\ufeff", "id: 1", "data:  x"]
        ).map(str.encode),
        st.binary(max_size=3),
    ),
    max_size=14,
).map(b"".join)


_KEY = st.sampled_from(
    ['"model"', '"store"', '"mod\\u0065l"', '"messages"', '"x"', '"\\"model\\""', '"\\ud83d\\ude00"']
)


def _object(items: list[tuple[str, str]]) -> str:
    return "{" + ",".join(map(" : ".join, items)) + "}"


_VALUE_OF = st.recursive(
    st.sampled_from(
        ['"m"', '"model"', '"\\u006d"', '"a\\/b"', "true", "false", "null", "1", '"\\"model\\":\\"m\\""', '"é"']
    ),
    lambda values: st.one_of(
        st.lists(values, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(_KEY, values), max_size=3).map(
            lambda items: "{" + ",".join(map(" : ".join, items)) + "}"
        ),
    ),
    max_leaves=6,
)
BODIES = st.lists(st.tuples(_KEY, _VALUE_OF), max_size=5).map(_object).map(str.encode)
MANY = settings(max_examples=250, deadline=None)


@MANY
@given(REQUESTS, CUTS)
def test_the_same_bytes_give_the_same_requests_however_they_arrive(wire: bytes, cuts: list[int]) -> None:
    properties.requests_do_not_depend_on_arrival(wire, cuts)


@MANY
@given(REQUESTS)
def test_no_request_is_accepted_against_the_grammar(wire: bytes) -> None:
    properties.requests_keep_to_the_grammar(wire)


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(_FIELD, max_size=6).map(b"".join),
    bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    chunked=st.booleans(),
    cuts=CUTS,
)
def test_well_formed_requests_are_all_read(
    *, lines: bytes, bodies: list[bytes], chunked: bool, cuts: list[int]
) -> None:
    wire = b""
    for body in bodies:
        wire += b"POST /p HTTP/1.1\r\nHost: a\r\n" + lines
        if chunked:
            framed = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
            wire += b"Transfer-Encoding: chunked\r\n\r\n" + framed
        else:
            wire += b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    reader = properties.read_requests(properties.split(wire, cuts))
    assert reader.refusal is None
    assert [properties.body_of(request) for request in properties.whole(reader)] == bodies
    assert all(request.forward + b"\r\n" == b"\r\n" + lines for request in reader.requests)


@MANY
@given(REQUESTS)
def test_what_is_forwarded_is_one_request_with_the_same_body_and_nothing_of_the_connection(wire: bytes) -> None:
    properties.a_forwarded_request_is_one_request(wire)


@MANY
@given(REQUESTS, REQUESTS)
def test_a_request_is_read_the_same_whatever_came_before_it(first: bytes, second: bytes) -> None:
    properties.a_request_says_nothing_of_the_next(first, second)


@MANY
@given(RESPONSES, RESPONSES)
def test_an_answer_is_read_the_same_whatever_came_before_it(first: bytes, second: bytes) -> None:
    properties.an_answer_says_nothing_of_the_next(first, second)


@MANY
@given(wire=RESPONSES, cuts=CUTS, to_head=st.booleans())
def test_the_same_bytes_give_the_same_answer_however_they_arrive(
    *, wire: bytes, cuts: list[int], to_head: bool
) -> None:
    properties.responses_do_not_depend_on_arrival(wire, cuts, to_head=to_head)


@MANY
@given(wire=RESPONSES, to_head=st.booleans())
def test_an_answer_that_is_accepted_keeps_to_the_grammar_and_goes_on_the_same(
    *, wire: bytes, to_head: bool
) -> None:
    properties.responses_keep_to_the_grammar(wire, to_head=to_head)


@MANY
@given(EVENTS, CUTS)
def test_events_are_those_of_the_whole_stream_wherever_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    properties.events_do_not_depend_on_arrival(stream, cuts)


@MANY
@given(BODIES)
def test_renaming_the_model_changes_nothing_else_in_a_body(body: bytes) -> None:
    properties.a_renamed_body_asks_for_the_same_of_another_model(body)


LEDGER = Ledger(Telemetry())


class LedgerMachine(RuleBasedStateMachine):
    """Any requests, any events, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.model = LedgerModel(LEDGER)

    @rule(arm=st.integers(0, 1), sampled=st.booleans(), repeat=st.booleans())
    def begin(self, *, arm: int, sampled: bool, repeat: bool) -> None:
        self.model.begin(arm, sampled=sampled, repeat=repeat)

    @rule(which=st.integers(0, 9), event=st.integers(0, 5), end=st.integers(0, 9), status=st.integers(0, 9))
    def happen(self, which: int, event: int, end: int, status: int) -> None:
        self.model.happen(which, event, end, status)

    @rule(arm=st.integers(0, 1))
    def close_once_more(self, arm: int) -> None:
        self.model.close_once_more(arm)

    @invariant()
    def the_ledger_balances(self) -> None:
        self.model.balance()

    def teardown(self) -> None:
        self.model.finish()
        self.model.balance()


TestLedger = LedgerMachine.TestCase
