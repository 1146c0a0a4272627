"""From clients' requests to a collector: a gateway, its analyzers, two servers that are told whose leg they get."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from proxy.gateway import Ledger
from proxy.processes.plane import Plane
from proxy.telemetry import Telemetry
from proxy.tracing import exporter
from tests.arms.until import until
from tests.gateway.peer import Peer, always, ask, plain, post, serving, silent, streamed
from tests.gateway.stands import configured
from tests.tracing.collector import collecting, of

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m","messages":[{"role":"user","content":"secret question"}]}'
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def answer(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return plain(orjson.dumps({"model": "m", "choices": [choice], "usage": USAGE}))


def stream(*texts: str) -> list[bytes]:
    choices: list[dict[str, Any]] = [{"index": 0, "delta": {"content": text}} for text in texts]
    choices += [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    chunks: list[dict[str, Any]] = [{"model": "m", "choices": [choice]} for choice in choices]
    chunks += [{"model": "m", "choices": [], "usage": USAGE}]
    return [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "EVERY", 0.01)


class Stand:
    def __init__(self, plane: Plane, telemetry: Telemetry, ledger: Ledger) -> None:
        self.plane = plane
        self.telemetry = telemetry
        self.ledger = ledger

    async def ask(self, body: bytes = ASK, extra: str = "") -> int:
        response = await ask(self.plane.address.port, post(CHAT, body, extra=extra))
        return response.status

    async def settled(self) -> None:
        await until(lambda: not self.ledger.states()["open"])
        await self.plane.pool.drain()


@asynccontextmanager
async def traced(
    baseline: Peer, candidate: Peer, endpoint: str | None, weight: float = 0.0, **settings: Any
) -> AsyncIterator[Stand]:
    tracing = {"endpoint": endpoint, **settings.pop("tracing", {})}
    analysis = {"enabled": ("served", "json"), "budget": 20.0, **settings.pop("analysis", {})}
    config = configured(baseline.address, candidate.address, tracing=tracing, analysis=analysis, **settings)
    telemetry = Telemetry()
    ledger = Ledger(telemetry)
    plane = Plane(config, telemetry, ledger, lambda _: None)
    plane.weigh(weight, None)
    await plane.start()
    try:
        yield Stand(plane, telemetry, ledger)
    finally:
        await plane.stop()


def named(peer: Peer, place: int = 0) -> tuple[str, str, str]:
    """Trace, span and flags that a server was told."""
    version, *rest = peer.requests[place].headers[b"traceparent"].decode().split("-")
    assert version == "00"
    trace, span, flags = rest
    return trace, span, flags


def by_leg(spans: list[Span]) -> dict[str, Span]:
    """The spans of one trace, by leg; the client's request is `root`."""
    assert len({span.trace_id for span in spans}) == 1
    found = {str(of(span).get("slipgauge.leg", "root")): span for span in spans}
    assert len(found) == len(spans)
    assert {span.parent_span_id for leg, span in found.items() if leg != "root"} == {found["root"].span_id}
    return found


async def test_a_streamed_pair_is_one_trace_that_begins_at_the_clients_span() -> None:
    asked = ASK.replace(b"{", b'{"stream":true,"temperature":0.5,', 1)
    async with (
        serving(streamed(stream("one", "two", "three"))) as baseline,
        serving(streamed(stream("one", "secret"))) as candidate,
        collecting() as collector,
        traced(baseline, candidate, collector.url, mirror={"repeat": 1.0}) as stand,
    ):
        given = f"traceparent: {GIVEN}\r\ntracestate: a=b\r\nbaggage: user=secret\r\n"
        assert await stand.ask(asked, given) == 200
        found = by_leg(await collector.until(4))
    root, primary, mirror, repeat = (found[leg] for leg in ("root", "primary", "mirror", "repeat"))
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, PARENT)
    assert named(baseline) == (TRACE, primary.span_id.hex(), "01")
    assert named(candidate) == (TRACE, mirror.span_id.hex(), "01")
    assert named(baseline, 1) == (TRACE, repeat.span_id.hex(), "01")
    assert {peer.requests[0].headers[b"tracestate"] for peer in (baseline, candidate)} == {b"a=b"}
    for span in (primary, mirror, repeat):
        told = of(span)
        assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (5, 2)
        assert 0 < float(str(told["gen_ai.response.time_to_first_chunk"])) < 30
        assert told["gen_ai.request.temperature"] == 0.5
        assert span.end_time_unix_nano > span.start_time_unix_nano >= root.start_time_unix_nano
    assert of(primary)["slipgauge.token_gaps"] == 2
    assert of(mirror)["slipgauge.token_gaps"] == 1
    assert {event.name for span in (primary, mirror) for event in span.events} == {"gen_ai.evaluation.result"}
    assert b"secret" not in b"".join(span.SerializeToString() for span in collector.spans)


@pytest.mark.parametrize(
    "given",
    ["", "traceparent: 00-nonsense\r\ntracestate: a=b\r\n", "tracestate: a=b\r\n", f"traceparent: {GIVEN}-x\r\n"],
)
async def test_a_request_of_no_trace_begins_one(given: str) -> None:
    async with (
        serving(always(answer("one"))) as baseline,
        serving(always(answer("two"))) as candidate,
        collecting() as collector,
        traced(baseline, candidate, collector.url) as stand,
    ):
        await stand.ask(extra=given)
        found = by_leg(await collector.until(3))
    assert found["root"].parent_span_id == b""
    assert named(baseline) == (found["root"].trace_id.hex(), found["primary"].span_id.hex(), "01")
    assert named(candidate) == (found["root"].trace_id.hex(), found["mirror"].span_id.hex(), "01")
    assert b"tracestate" not in {*baseline.requests[0].headers, *candidate.requests[0].headers}
    assert found["root"].trace_id.hex() != TRACE


@pytest.mark.parametrize(
    ("given", "tracing", "endpoint"),
    [
        (GIVEN[:-1] + "0", {}, True),  # the client does not record its trace
        (GIVEN, {}, False),  # nobody asked for traces
        ("nonsense", {"share": 0.0}, True),  # not drawn
    ],
)
async def test_what_is_not_traced_passes_as_it_came(given: str, tracing: dict[str, Any], endpoint: bool) -> None:  # noqa: FBT001
    async with (
        serving(always(answer("one"))) as baseline,
        serving(always(answer("two"))) as candidate,
        collecting() as collector,
        traced(baseline, candidate, collector.url if endpoint else None, tracing=tracing) as stand,
    ):
        await stand.ask(extra=f"traceparent: {given}\r\ntracestate: A=,\r\n")
        await stand.settled()
    for peer in (baseline, candidate):
        headers = peer.requests[0].headers
        assert (headers[b"traceparent"], headers[b"tracestate"]) == (given.encode(), b"A=,")
    assert collector.requests == []


async def test_a_request_that_is_not_mirrored_is_not_traced() -> None:
    async with (
        serving(always(answer("one"))) as baseline,
        serving(always(answer("two"))) as candidate,
        collecting() as collector,
        traced(baseline, candidate, collector.url, mirror={"sample": 0.0}) as stand,
    ):
        await stand.ask(extra=f"traceparent: {GIVEN}\r\n")
    assert baseline.requests[0].headers[b"traceparent"] == GIVEN.encode()
    assert (candidate.requests, collector.requests) == ([], [])


async def test_no_client_can_have_more_traced_than_is_allowed() -> None:
    async with (
        serving(always(answer("one"))) as baseline,
        serving(always(answer("two"))) as candidate,
        collecting() as collector,
        traced(baseline, candidate, collector.url, tracing={"per_second": 0.2, "share": 0.0}) as stand,
    ):
        for _ in range(4):
            assert await stand.ask(extra=f"traceparent: {GIVEN}\r\n") == 200
        await stand.settled()
        await collector.until(6)
        limited = dict(stand.telemetry.traces_limited.totals())
    as_given = [request.headers[b"traceparent"] == GIVEN.encode() for request in baseline.requests]
    assert (limited, as_given) == ({(): [2.0]}, [False, False, True, True])


async def test_a_collector_that_is_away_changes_nothing_for_clients(unused_tcp_port: int) -> None:
    async with (
        serving(always(answer("one"))) as baseline,
        serving(always(answer("two"))) as candidate,
        traced(baseline, candidate, f"http://127.0.0.1:{unused_tcp_port}") as stand,
    ):
        for _ in range(20):
            assert await stand.ask() == 200
        await stand.settled()
    counted = {result: count for (result,), (count,) in stand.telemetry.trace_spans.totals().items() if count}
    assert counted == {"dropped_unsent": 60.0}


async def test_the_baseline_in_the_candidates_place_is_a_leg_of_its_own() -> None:
    async with (
        serving(always(answer("one"))) as baseline,
        serving(always(plain(b"{}", status="500 No"))) as candidate,
        collecting() as collector,
        traced(baseline, candidate, collector.url, weight=1.0) as stand,
    ):
        assert await stand.ask() == 200
        spans = await collector.until(3)
    root, first, second = sorted(spans, key=lambda span: span.start_time_unix_nano)
    assert [of(span).get("slipgauge.arm") for span in (root, first, second)] == [None, "candidate", "baseline"]
    assert named(candidate) == (root.trace_id.hex(), first.span_id.hex(), "01")
    assert named(baseline) == (root.trace_id.hex(), second.span_id.hex(), "01")
    assert (of(root)["slipgauge.state"], of(root)["slipgauge.primary"]) == ("unserved_candidate", "candidate")
    assert (of(first)["error.type"], of(second)["slipgauge.leg"]) == ("500", "primary")


async def test_a_candidate_heard_out_behind_the_baseline_is_one_leg() -> None:
    asked = ASK.replace(b"{", b'{"stream":true,', 1)
    async with (
        serving(always(answer("one"))) as baseline,
        serving(silent) as candidate,
        collecting() as collector,
        traced(
            *(baseline, candidate, collector.url),
            weight=1.0,
            canary={"silence": 0.05},
            mirror={"deadline": 1.0},
        ) as stand,
    ):
        assert await stand.ask(asked) == 200
        spans = await collector.until(3)
    told = {str(of(span).get("slipgauge.arm")): of(span) for span in spans}
    assert told["candidate"]["slipgauge.end"] == "deadline"
    assert told["baseline"]["slipgauge.end"] == "complete"


async def test_a_rejected_request_and_one_without_room_for_a_mirror_have_traces_too() -> None:
    rows: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("400 No", {}, "dropped_rejected"),
        ("200 OK", {"mirror": {"in_flight_bytes": 1}}, "dropped_mirror_bytes"),
    )
    for status, settings, state in rows:
        async with (
            serving(always(plain(b"{}", status=status))) as baseline,
            serving(always(answer("two"))) as candidate,
            collecting() as collector,
            traced(baseline, candidate, collector.url, **settings) as stand,
        ):
            await stand.ask()
            found = by_leg(await collector.until(2))
            assert stand.plane._tracer is not None
            assert stand.plane._tracer._open == {}
        assert of(found["root"])["slipgauge.state"] == state
        assert named(baseline) == (found["root"].trace_id.hex(), found["primary"].span_id.hex(), "01")


async def test_a_tapped_pair_is_traced_and_one_that_is_not_asked_leaves_nothing() -> None:
    for size, spans in ((1_000_000, 3), (1, 0)):
        async with (
            serving(always(answer("one"))) as baseline,
            serving(always(answer("two"))) as candidate,
            collecting() as collector,
            traced(baseline, candidate, collector.url, tap=True, mirror={"in_flight_bytes": size}) as stand,
        ):
            assert await stand.ask() == 202
            await stand.settled()
            await collector.until(spans)
            assert stand.plane._tracer is not None
            assert stand.plane._tracer._open == {}
        if spans:
            assert named(baseline)[0] == named(candidate)[0]


async def test_probes_are_legs_of_the_trace_that_needed_them() -> None:
    question = "Anna had 3 pears and got 4 plums. How many fruits has she?"
    asked = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": question}]})
    async with (
        serving(always(answer("The answer is 7."))) as baseline,
        serving(always(answer("The answer is 8."))) as candidate,
        collecting() as collector,
        traced(baseline, candidate, collector.url, analysis={"enabled": ("served", "math.consensus")}) as stand,
    ):
        await stand.ask(asked)
        async with collector.changed:
            await collector.changed.wait_for(lambda: collector.spans)
    probes = [span for span in collector.spans if of(span).get("slipgauge.leg") == "probe"]
    told = {request.headers[b"traceparent"].decode().split("-")[2] for request in baseline.requests}
    assert len(probes) == len(baseline.requests) - 1 > 0
    assert {span.span_id.hex() for span in probes} < told
    assert len({span.trace_id for span in collector.spans}) == 1


def test_nothing_of_it_is_loaded_where_nobody_asks_for_it() -> None:
    code = "import sys, proxy.run; print([m for m in sys.modules if m.startswith(('proxy.tracing', 'google.'))])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert told.stdout.strip() == "[]"
