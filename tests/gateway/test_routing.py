from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.address import parse_url
from proxy.config import Config
from proxy.gateway.eligibility import conversation, stands_alone
from proxy.gateway.outgoing import host_line, mirror_head, primary_head, target_of
from proxy.gateway.request import Request, RequestReader
from proxy.gateway.routing import OPERATIONS, ModelScan, Route, Router

CHAT = b"/v1/chat/completions"


def config(**settings: Any) -> Config:
    return Config.model_validate(
        {
            "baseline": {"url": "http://127.0.0.1:8001"},
            "candidate": {"url": "http://10.0.0.9"},
            "models": {"m": {"candidate": "m-int4"}, "plain": {}},
            **settings,
        }
    )


def request(path: bytes = CHAT, headers: str = "", method: bytes = b"POST") -> Request:
    reader = RequestReader(65_536, 65_536)
    reader.feed(b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (method, path, headers.encode()))
    assert reader.refusal is None
    return reader.requests[0]


def ask(**fields: Any) -> bytes:
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields})


@pytest.mark.parametrize(
    ("path", "method", "eligible"),
    [
        (CHAT, b"POST", True),
        (CHAT + b"?x=1", b"POST", True),
        (CHAT + b"/", b"POST", False),
        (b"/v1/chat%2Fcompletions", b"POST", False),
        (b"//v1/chat/completions", b"POST", False),
        (CHAT, b"GET", False),
        (b"/v1/files", b"POST", False),
    ],
)
def test_only_posts_to_configured_paths_may_be_mirrored(path: bytes, method: bytes, *, eligible: bool) -> None:
    assert Router(config(), b"s").may_mirror(request(path, method=method)) is eligible


@pytest.mark.parametrize(
    "body",
    [
        ask().replace(b"}", b',"temperature":NaN}', 1),
        ask()[:-1] + b',"top_p":Infinity}',
        b"\xef\xbb\xbf" + ask(),
        ask().decode().encode("utf-16"),
        ask().decode().encode("utf-32-le"),
    ],
)
def test_a_body_that_is_no_strict_json_in_utf_8_is_not_eligible(body: bytes) -> None:
    assert Router(config(), b"s").route(request(), ask(), "p") is not None
    assert Router(config(), b"s").route(request(), body, "p") is None


def test_an_encoded_request_body_is_not_read() -> None:
    assert Router(config(), b"s").route(request(headers="Content-Encoding: gzip\r\n"), ask(), "p") is None


def session(body: bytes, headers: str = "", peer: str = "1.2.3.4", salt: bytes = b"s") -> bytes:
    route = Router(config(), salt).route(request(headers=headers), body, peer)
    assert route is not None
    return route.session


def test_a_conversation_keeps_its_session_as_it_grows_and_others_have_their_own() -> None:
    first = {"role": "user", "content": "hi"}
    one = ask()
    assert session(one) == session(ask(messages=[first, {"role": "assistant", "content": "a"}, first]))
    assert session(one) == session(one, headers="X-Other: 1\r\n")
    assert session(one) != session(one, peer="1.2.3.5")
    assert session(one) != session(one, salt=b"t")
    assert session(one) != session(one, headers="Authorization: Bearer k\r\n")
    assert session(one) != session(ask(messages=[{"role": "system", "content": "s"}, first]))
    assert session(one) != session(ask(messages=[{"role": "user", "content": "ho"}]))
    key = "Authorization: Bearer k\r\n"
    assert session(one, headers=key) == session(one, headers=key, peer="another address")


def test_the_session_header_goes_before_everything_else() -> None:
    named = "X-Session-Id: 7\r\n"
    assert session(ask(), headers=named) == session(ask(messages=[]), headers=named, peer="elsewhere")


@pytest.mark.parametrize("field", ["user", "prompt_cache_key"])
def test_a_field_of_the_body_names_a_clients_session_only_where_that_is_chosen(field: str) -> None:
    def sessions(chosen: str | None) -> list[bytes]:
        router = Router(config(session={"field": chosen}), b"s")
        bodies = [ask(**{field: "a"}), ask(messages=[], **{field: "a"}), ask(**{field: "b"})]
        return [routed(router, body).session for body in bodies]

    one, same, other = sessions(field)
    assert one == same != other
    one, changed, same = sessions(None)
    assert one == same != changed

    router = Router(config(session={"field": field}), b"s")
    keys = [routed(router, ask(**{field: "a"}), f"Authorization: Bearer {key}\r\n").session for key in "xy"]
    assert keys[0] != keys[1], "what a client calls itself is its own affair"
    assert routed(router, ask(**{field: 5})).session == routed(router, ask()).session
    named = "X-Session-Id: 7\r\n"
    assert routed(router, ask(**{field: "a"}), named).session == routed(router, ask(), named).session


def routed(router: Router, body: bytes | None = None, headers: str = "", path: bytes = CHAT) -> Route:
    route = router.route(request(path, headers), ask() if body is None else body, "p")
    assert route is not None
    return route


def share(found: list[bool]) -> float:
    return sum(found) / len(found)


def test_draws_meet_their_shares_and_are_independent() -> None:
    router = Router(config(mirror={"sample": 0.3, "repeat": 0.5}), b"salt", 0.4)
    routes = [routed(router, headers=f"X-Session-Id: {n}\r\n") for n in range(4_000)]
    sampled = [route for route in routes if route.sampled]
    assert len(sampled) / 4_000 == pytest.approx(0.3, abs=0.03)
    assert share([route.repeat for route in sampled]) == pytest.approx(0.5, abs=0.06)
    assert share([route.canary for route in routes]) == pytest.approx(0.4, abs=0.04)
    assert share([route.canary for route in sampled]) == pytest.approx(0.4, abs=0.06)
    assert share([route.canary for route in sampled if route.repeat]) == pytest.approx(0.4, abs=0.08)


def test_a_session_of_the_candidate_stays_with_it_as_the_weight_grows() -> None:
    router, before = Router(config(), b"salt"), set[int]()
    for weight in (0.0, 0.01, 0.2, 0.5, 1.0):
        router.set_weight(weight)
        now = {n for n in range(300) if routed(router, headers=f"X-Session-Id: {n}\r\n").canary}
        assert before <= now
        before = now
    assert before == set(range(300))


def test_a_body_is_read_before_the_primary_is_sent_only_where_something_hangs_on_it() -> None:
    assert not Router(config(), b"s").reads_first
    assert not Router(config(models={"m": {"baseline": "m"}}), b"s").reads_first
    assert Router(config(models={"m": {"baseline": "fp16"}}), b"s").reads_first
    assert Router(config(mirror={"coupled_seed": True}), b"s").reads_first
    router = Router(config(), b"s", 0.01)
    assert router.reads_first
    router.set_weight(0.0)
    assert not router.reads_first


@pytest.mark.parametrize(
    ("value", "sampled"), [("no", False), ("No", False), ("false", False), ("yes", True), ("Yes", True)]
)
def test_a_client_may_ask_not_to_be_mirrored_and_may_still_be_the_candidates(value: str, *, sampled: bool) -> None:
    router = Router(config(mirror={"sample": 1.0, "repeat": 1.0}), b"s", 1.0)
    route = routed(router, headers=f"X-Slipgauge-Mirror: {value}\r\n")
    assert (route.sampled, route.repeat, route.canary) == (sampled, sampled, True)


@pytest.mark.parametrize(("first", "second"), [("no", "yes"), ("yes", "no"), ("", "yes")])
def test_a_wish_not_to_be_mirrored_is_not_taken_back_by_a_second_header(first: str, second: str) -> None:
    headers = f"X-Slipgauge-Mirror: {first}\r\nx-slipgauge-mirror: {second}\r\n"
    assert not routed(Router(config(mirror={"sample": 1.0}), b"s"), headers=headers).sampled


@pytest.mark.parametrize(
    ("body", "canary"),
    [
        ({"model": "m", "input": "x"}, False),
        ({"model": "m", "input": "x", "store": None}, False),
        ({"model": "m", "input": "x", "store": False}, True),
    ],
)
def test_an_answer_that_the_server_keeps_is_mirrored_and_never_the_candidates(
    body: dict[str, Any], *, canary: bool
) -> None:
    router = Router(config(mirror={"sample": 1.0}), b"s", 1.0)
    route = routed(router, orjson.dumps(body), path=b"/v1/responses")
    assert (route.sampled, route.canary) == (True, canary)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    [
        "messages",
        "input",
        "tools",
        "content",
        "role",
        "type",
        "source",
        "image_url",
        "file",
        "system",
        "prompt",
        "url",
    ]
)
_BODIES = st.recursive(
    st.none() | st.integers(0, 9) | st.sampled_from(["user", "text", "url", "https://a", "data:x", "message"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_FIELDS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(body=st.dictionaries(_FIELDS, _BODIES, max_size=5))
def test_no_body_is_too_odd_to_be_judged(body: dict[str, Any]) -> None:
    stands_alone(body)
    assert isinstance(conversation(body), bytes)


def test_operations_are_a_closed_set() -> None:
    assert OPERATIONS[CHAT] == "chat"
    assert b"/v1/whatever/a/client/sends" not in OPERATIONS


@pytest.mark.parametrize("size", [1, 7, 300, 10_000])
@pytest.mark.parametrize(("name", "found"), [("m", True), ("other", False)])
def test_a_model_is_found_in_a_body_that_passes_by(size: int, name: str, *, found: bool) -> None:
    body = orjson.dumps({"messages": ["model", 'x"model"' * 600], "model": name}, option=orjson.OPT_INDENT_2)
    scan = ModelScan(config())
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    assert any(map(scan.feed, pieces)) is found


def test_the_mirror_gets_the_arms_name_and_key_and_nothing_of_the_clients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CANDIDATE_KEY", "secret")
    settings = config(candidate={"url": "http://10.0.0.9", "api_key_env": "CANDIDATE_KEY"})
    target = target_of("candidate", settings.candidate, settings)
    headers = (
        "Authorization: Bearer clients\r\nX-Api-Key: k\r\nCookie: c\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: f\r\n"
        "X-Slipgauge-Gold: 4\r\nOpenAI-Organization: o\r\nX-Odd-Credential: z\r\nContent-Type: application/json\r\n"
        "Accept-Encoding: gzip\r\nContent-Length: 0\r\n"
    )
    head = mirror_head(request(headers=headers), target, host_line(parse_url("http://10.0.0.9")), 2)
    assert head == (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 10.0.0.9\r\nContent-Type: application/json\r\n"
        b"Accept-Encoding: gzip\r\nAuthorization: Bearer secret\r\nX-Slipgauge-Leg: mirror\r\n"
        b"Content-Length: 2\r\n\r\n"
    )
    assert target.models == {"m": "m-int4", "plain": "plain"}


def test_the_primary_gets_the_clients_headers_with_its_own_host() -> None:
    host = host_line(parse_url("http://127.0.0.1:8001"))
    head = primary_head(request(headers="Authorization: Bearer k\r\nX-Slipgauge-Gold: 4\r\n"), host, 3)
    assert head == (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8001\r\nAuthorization: Bearer k\r\n"
        b"Content-Length: 3\r\n\r\n"
    )
