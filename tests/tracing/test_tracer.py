"""Which pairs are traced, and what of their requests is changed."""

from __future__ import annotations

import pytest

from proxy.gateway.request import Request, read_head
from proxy.gateway.routing import Route
from proxy.report import PASSED_OVER, Unmeasured
from proxy.telemetry import Telemetry
from proxy.tracing import tracer
from proxy.tracing.tracer import Tracer
from tests.gateway.stands import configured

PARENT = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def made(**tracing: object) -> tuple[Tracer, Telemetry]:
    telemetry = Telemetry()
    settings = {"endpoint": "http://127.0.0.1:4318", **tracing}
    return Tracer(
        configured("http://127.0.0.1:1", "http://127.0.0.1:2", tracing=settings), telemetry, "0a1b"
    ), telemetry


def request(*headers: str) -> Request:
    lines = "".join(f"{header}\r\n" for header in headers)
    return read_head(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode(), 1_000)


def route() -> Route:
    return Route("m", {"temperature": 0.5}, b"s", sampled=True, repeat=False, canary=False)


def test_a_traced_request_keeps_every_line_but_the_callers_place() -> None:
    asked = request("Authorization: Bearer k", PARENT, "tracestate: a=b", "X-Feature: y")
    trace = made()[0].begin(asked, route(), "baseline", 7, ())

    assert trace is not None
    assert asked.forward == b"\r\nAuthorization: Bearer k\r\ntracestate: a=b\r\nX-Feature: y"
    assert asked.forward == b"\r\n".join(asked.lines)
    assert (trace.asked.pair_id, trace.asked.parameters) == ("0a1b-7", (("gen_ai.request.temperature", 0.5),))


def test_a_request_that_is_not_drawn_is_not_touched() -> None:
    asked = request(PARENT[:-1] + "0", "tracestate: a=b")
    before = asked.forward

    assert made()[0].begin(asked, route(), "baseline", 7, ()) is None
    assert asked.forward == before


def test_with_too_many_under_way_the_oldest_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracer, "OPEN", 2)
    traces, telemetry = made()
    for arrival in (7, 8, 9):
        traces.begin(request(), route(), "baseline", arrival, ())

    assert [traces.of(arrival) is None for arrival in (7, 8, 9)] == [True, False, False]
    assert telemetry.traces_limited.totals() == {(): [1.0]}
    traces.told(Unmeasured(7, "s", "baseline", "paired").report(PASSED_OVER))  # nobody's any more
