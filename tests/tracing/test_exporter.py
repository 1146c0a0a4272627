"""What a collector gets, and that one which is slow, away or hostile costs nothing but its traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from analyzers.pair import End
from proxy.config_tracing import Tracing
from proxy.gateway.capture import Recorder
from proxy.tasks import spawn
from proxy.telemetry import Telemetry
from proxy.tracing import exporter
from proxy.tracing.exporter import Exporter
from proxy.tracing.trace import Asked, Trace
from tests.arms.until import until
from tests.tracing.collector import collecting

SPANS = 2
Answer = Callable[[web.Request], Awaitable[web.Response]]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "EVERY", 0.01)
    monkeypatch.setattr(exporter, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(exporter, "MOST_PAUSE", 0.02)


def finished(model: str = "m") -> Trace:
    asked = Asked(
        pair_id="a-1",
        arrival=1,
        now=0.0,
        method="POST",
        path="/v1/chat/completions",
        model=model,
        primary="baseline",
        parameters=(),
        inclusion=1.0,
        segments=(),
    )
    trace = Trace(asked, None, lambda _: None)
    trace.leg("baseline", "primary", model=model, recorder=Recorder(0), now=0.1).over(End.COMPLETE, 200, 0.2)
    return trace


class Stand:
    def __init__(self, settings: Tracing) -> None:
        self.telemetry = Telemetry()
        self.exporter = Exporter(settings, self.telemetry, "process")
        self.running = spawn(self.exporter.run(), name="traces")

    def counted(self) -> dict[str, float]:
        return {result: count for (result,), (count,) in self.telemetry.trace_spans.totals().items() if count}

    async def counts(self, **expected: float) -> None:
        await until(lambda: self.counted() == expected)


@asynccontextmanager
async def exporting(url: str, **settings: object) -> AsyncIterator[Stand]:
    stand = Stand(Tracing.model_validate({"endpoint": url, **settings}))
    try:
        yield stand
    finally:
        await stand.exporter.stop(stand.running)


async def test_finished_traces_go_together_with_the_operators_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTLP_HEADERS", "x-key=a%2Cb, x-tenant=7")
    async with (
        collecting() as collector,
        exporting(collector.url, headers_env="OTLP_HEADERS", service_name="edge") as stand,
    ):
        for _ in range(3):
            stand.exporter.put(finished())
        await collector.until(3 * SPANS)
        await stand.counts(exported=3.0 * SPANS)
    (request,) = collector.requests
    assert (request.headers["x-key"], request.headers["x-tenant"]) == ("a,b", "7")
    assert request.headers["Content-Type"] == "application/x-protobuf"
    assert {service["service.name"] for service in collector.services} == {"edge"}


async def test_an_endpoint_with_a_path_is_taken_as_it_is() -> None:
    async with collecting() as collector, exporting(f"{collector.url}/elsewhere") as stand:
        stand.exporter.put(finished())
        await collector.until(SPANS)
    assert [request.path for request in collector.requests] == ["/elsewhere"]


async def test_more_than_a_batch_goes_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "BATCH", 2)
    async with collecting() as collector, exporting(collector.url) as stand:
        for _ in range(5):
            stand.exporter.put(finished())
        await collector.until(5 * SPANS)
    assert len(collector.requests) == 3


async def test_a_busy_collector_gets_the_same_message_again() -> None:
    async with collecting() as collector, exporting(collector.url) as stand:

        async def busy_once(request: web.Request) -> web.Response:
            if len(collector.requests) == 1:
                return web.Response(status=503)
            await collector.keep(await request.read())
            return web.Response()

        collector.answer = busy_once
        stand.exporter.put(finished())
        await collector.until(SPANS)
        await stand.counts(exported=SPANS)


async def test_what_a_collector_refuses_is_dropped_at_once() -> None:
    async with collecting() as collector, exporting(collector.url) as stand:
        collector.answer = answering(web.Response, status=400)
        stand.exporter.put(finished())
        await stand.counts(dropped_unsent=SPANS)
        assert len(collector.requests) == 1


async def test_spans_that_a_collector_rejects_are_counted() -> None:
    said = ExportTraceServiceResponse()
    said.partial_success.rejected_spans = 1
    async with collecting() as collector, exporting(collector.url) as stand:
        collector.answer = answering(web.Response, body=said.SerializeToString())
        stand.exporter.put(finished())
        await stand.counts(rejected=1.0, exported=SPANS - 1.0)


def answering(kind: type[web.Response], **made: object) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return kind(**made)  # type: ignore[arg-type]

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        answering(web.Response, body=b"\xff" * 100),
        answering(web.Response, body=b"x" * 1_000_000),
        answering(web.Response, body=b"\x0a\x02\x08\x7f"),
        answering(web.Response, body=b"", headers={"Content-Encoding": "gzip", "Set-Cookie": "a=b"}),
    ],
)
async def test_what_a_collector_says_is_not_believed(answer: Answer) -> None:
    async with collecting() as collector, exporting(collector.url) as stand:
        collector.answer = answer
        stand.exporter.put(finished())
        await until(lambda: sum(stand.counted().values()) == SPANS)
        assert set(stand.counted()) <= {"exported", "rejected"}


async def test_a_redirect_is_not_followed() -> None:
    async with collecting() as collector, exporting(collector.url) as stand:
        collector.answer = answering(web.Response, status=307, headers={"Location": "/elsewhere"})
        stand.exporter.put(finished())
        await stand.counts(dropped_unsent=SPANS)
        assert [request.path for request in collector.requests] == ["/v1/traces"]


async def test_an_absent_collector_costs_its_traces_alone(unused_tcp_port: int) -> None:
    async with exporting(f"http://127.0.0.1:{unused_tcp_port}") as stand:
        stand.exporter.put(finished())
        await stand.counts(dropped_unsent=SPANS)
        assert not stand.running.done()


async def test_a_hung_collector_fills_a_bounded_queue_and_delays_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "QUEUE", 3)
    monkeypatch.setattr(exporter, "BATCH", 1)
    monkeypatch.setattr(exporter, "FLUSH", 0.05)
    hung = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await hung.wait()
        return web.Response()

    async with collecting() as collector, exporting(collector.url) as stand:
        collector.answer = hang
        stand.exporter.put(finished())
        async with collector.changed:
            await collector.changed.wait_for(lambda: collector.requests)
        for _ in range(5):
            stand.exporter.put(finished())
        assert stand.counted() == {"dropped_queue": 2.0 * SPANS}
        await stand.exporter.stop(stand.running)
        hung.set()
        assert stand.counted() == {"dropped_queue": 2.0 * SPANS, "dropped_unsent": 4.0 * SPANS}


async def test_what_waits_at_the_end_is_exported() -> None:
    async with collecting() as collector:
        async with exporting(collector.url) as stand:
            stand.exporter.put(finished())
        assert len(collector.spans) == SPANS
    assert stand.counted() == {"exported": SPANS}


async def test_a_trace_that_cannot_be_made_ends_nothing() -> None:
    async with collecting() as collector, exporting(collector.url) as stand:
        stand.exporter.put(finished("\ud800"))
        stand.exporter.put(finished())
        await collector.until(SPANS)
        await stand.counts(exported=SPANS, dropped_fault=SPANS)
