from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.gateway.bodies import _field, mirror_body, renamed, seeded
from proxy.gateway.eligibility import RESPONSES
from proxy.gateway.request import Request, RequestReader

BIG = b"12345678901234567890123"
"""An integer that a parser makes a float of."""
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=6) | st.just("m"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(("model", "seed", "store", '"model')), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def request(path: bytes) -> Request:
    reader = RequestReader(65_536, 65_536)
    reader.feed(b"POST %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
    return reader.requests[0]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b'{ "temperature" : 1.0e0,  "model" :  "m", "seed":%b }', 0),
        (b'{"tools":[{"parameters":{"model":"m"}}],"model":"m","seed":%b}', 1),
        (b'{"model":"m","tools":[{"parameters":{"model":"m"}}],"seed":%b}', 0),
        (b'{"metadata":{"model":"m","x":{"model":null}},\n\t"model"\r\n: "m","seed":%b,"a":[{"model":"m"}]}', 2),
        (b'{"x\\"model":"m","model":"m","seed":%b,"y":"\\"model\\":\\"m\\""}', 1),
        (b'{"note":"\\u0041 model","model":"m","seed":%b,"n":-1.50E+3}', 0),
        (b'{"model":"\\u006d","seed":%b,"a":{"model":"m"}}', 0),
        (b'{"model":"%%s/\\/","seed":%b}', 0),
    ],
)
def test_renaming_changes_the_bodys_own_model_and_no_other_byte(body: bytes, at: int) -> None:
    body = body % BIG
    sent = renamed(body, orjson.loads(body), "a-int4")
    before, found, after = sent.partition(b'"a-int4"')
    assert found
    assert body.startswith(before)
    assert body.endswith(after)
    assert before.count(b'"model"') - 1 == at
    assert orjson.loads(sent) == {**orjson.loads(body), "model": "a-int4"}


def test_a_body_that_asks_for_the_model_already_is_the_same() -> None:
    body = b'{"model":"m"}'
    assert renamed(body, orjson.loads(body), "m") is body


@pytest.mark.parametrize("nested", [b"", b',"metadata":{"model":"m"}', b',"metadata":{"model":[0]}'])
def test_a_name_written_in_escapes_is_not_missed(nested: bytes) -> None:
    body = rb'{"\u006dodel":"m"%b}' % nested
    assert orjson.loads(renamed(body, orjson.loads(body), "n")) == {**orjson.loads(body), "model": "n"}


@pytest.mark.parametrize("own", ["m" * 257, 'm"' * 40])
def test_a_long_name_is_changed_where_the_body_is_written_anew(own: str) -> None:
    body = orjson.dumps({"a": {"model": "m"}, "model": own})
    assert orjson.loads(renamed(body, orjson.loads(body), "n")) == {"a": {"model": "m"}, "model": "n"}


@pytest.mark.parametrize("filler", [b'"%b"' % (b"a" * 2**22), b'"%b"' % (b"\\n" * 2**21), b" " * 2**22 + b"{}"])
def test_what_follows_a_name_elsewhere_is_not_read_to_its_end(filler: bytes) -> None:
    body = b'{"model":"m","x":{"model":%b}}' % filler
    assert renamed(body, orjson.loads(body), "n") == body.replace(b'"m"', b'"n"', 1)
    assert not [found for found in _field("model").finditer(body) if found.end() - found.start() > 1_000]


def test_a_seed_put_into_a_body_stays_where_that_is_written_anew() -> None:
    body = rb'{"\u006dodel":"m"}'
    sent = renamed(seeded(body, orjson.loads(body), 7), orjson.loads(body), "n")
    assert orjson.loads(sent) == {"model": "n", "seed": 7}


def test_of_a_name_given_twice_the_one_that_parsers_take_is_changed() -> None:
    body = b'{"model":"a","model":"m"}'
    assert renamed(body, orjson.loads(body), "n") == b'{"model":"a","model":"n"}'


def test_where_a_name_stands_too_often_the_body_is_written_anew() -> None:
    body = b'{"model":"m","a":[%b]}' % b",".join([b'{"model":"m"}'] * 1_000)
    assert renamed(body, orjson.loads(body), "n") == body.replace(b'"m"', b'"n"', 1)
    more = body.replace(b'"a"', b'"b":{"model":"m"},"a"')
    assert orjson.loads(renamed(more, orjson.loads(more), "n")) == {**orjson.loads(more), "model": "n"}


@pytest.mark.parametrize(
    "body",
    [
        b' {"model":"m"}',
        b'{"model":"m","p":"\\"seed\\""}',
        b'{"model":"m","a":{"seed":1},"n":%b}' % BIG,
        b'{"model":"m","p":"\\u0041"}',
    ],
)
def test_a_seed_is_added_before_every_byte(body: bytes) -> None:
    assert seeded(body, orjson.loads(body), 7) == b'{"seed":7,' + body.lstrip()[1:]


def test_a_seed_that_is_null_is_set_where_it_stands() -> None:
    body = b'{"a":{"seed":null},"model":"m", "seed": null,"n":%b}' % BIG
    assert seeded(body, orjson.loads(body), 7) == body.replace(b'"seed": null', b'"seed": 7')


def test_a_clients_own_seed_stays() -> None:
    body = b'{"model":"m","seed":0}'
    assert seeded(body, orjson.loads(body), 7) is body


def test_an_empty_body_takes_a_field() -> None:
    assert seeded(b" { } ", {}, 7) == b'{"seed":7 } '


@pytest.mark.parametrize(
    "body",
    [
        b' {"model":"m"}',
        b'{"model":"m","store":null}',
        b'{"model":"m","store":[],"a":{"store":0}}',
        b'{"model":"m","input":"\\"store\\""}',
        b'{"model":"m","store":false}',
    ],
)
def test_a_mirrored_response_is_not_stored(body: bytes) -> None:
    sent = mirror_body(request(RESPONSES), body, orjson.loads(body))
    assert orjson.loads(sent) == {**orjson.loads(body), "store": False}


def test_elsewhere_nothing_is_said_of_storing() -> None:
    body = b'{"model":"m"}'
    assert mirror_body(request(b"/v1/chat/completions"), body, orjson.loads(body)) is body


@settings(max_examples=200, deadline=None)
@given(
    before=st.dictionaries(st.text(max_size=8), _JSON, max_size=3),
    after=st.dictionaries(st.text(max_size=8), _JSON, max_size=3),
    indented=st.booleans(),
    name=st.text(max_size=12),
)
def test_a_change_is_of_one_field(
    before: dict[str, Any], after: dict[str, Any], name: str, *, indented: bool
) -> None:
    parsed = {**before, "model": "m", **{key: value for key, value in after.items() if key != "model"}}
    parsed |= {key: None for key in ("seed", "store") if key in parsed}
    body = orjson.dumps(parsed, option=orjson.OPT_INDENT_2 if indented else 0)
    assert orjson.loads(renamed(body, parsed, name)) == {**parsed, "model": name}
    assert orjson.loads(seeded(body, parsed, 7)) == {**parsed, "seed": 7}
    assert orjson.loads(mirror_body(request(RESPONSES), body, parsed)) == {**parsed, "store": False}
