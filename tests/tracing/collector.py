"""A collector that takes OTLP over HTTP, and shows the spans that it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Value = str | bool | int | float | list[str]


@dataclass
class Collector:
    """What it got; `answer` says what it makes of a message."""

    spans: list[Span] = field(default_factory=list)
    services: list[dict[str, Value]] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    answer: Callable[[web.Request], Awaitable[web.Response]] | None = None
    url: str = ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        if self.answer is not None:
            return await self.answer(request)
        await self.keep(body)
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )

    async def keep(self, body: bytes) -> None:
        async with self.changed:
            for told in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.services.append(attributes(told.resource.attributes))
                self.spans += [span for scope in told.scope_spans for span in scope.spans]
            self.changed.notify_all()

    async def until(self, spans: int) -> list[Span]:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.spans) >= spans)
        assert len(self.spans) == spans
        return self.spans


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    app.router.add_post("/elsewhere", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


def attributes(told: Iterable[KeyValue]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for each in told:
        assert each.key not in found
        found[each.key] = _plain(each.value)
    return found


def of(span: Span) -> dict[str, Value]:
    return attributes(span.attributes)


def _plain(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [each.string_value for each in value.array_value.values]
    assert kind in {"string_value", "bool_value", "int_value", "double_value"}
    plain: Value = getattr(value, kind)
    return plain
