"""Metrics as whoever scrapes them asks to have them, written a little at a time: clients are served between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

SLICE = 40
"""Most samples written in one go, which takes less than a millisecond."""
Encoder = Callable[[Collector], bytes]


class _Collected(Collector):
    """What has been collected before, as the encoders take it."""

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


async def exposed(request: web.Request, registry: CollectorRegistry) -> web.Response:
    """Prometheus text or OpenMetrics, as the Accept header asks; every value is of the moment of the call."""
    try:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    except (TypeError, ValueError):  # a version in the header that is no number
        encode, content_type = choose_encoder("")
    body = bytearray()
    for piece in pieces(registry.collect(), encode):
        body += piece
        await asyncio.sleep(0)
    return web.Response(body=bytes(body), headers={"Content-Type": content_type})


def pieces(metrics: Iterable[Metric], encode: Encoder) -> Iterator[bytes]:
    """What `encode` makes of the metrics, which are all collected first, in pieces of at most SLICE samples."""
    collected = list(metrics)
    yield b""
    end = encode(_Collected())  # OpenMetrics has a mark there
    for metric in collected:
        head = encode(_Collected(_with(metric, ()))).removesuffix(end)
        yield head
        for at in range(0, len(metric.samples), SLICE):
            piece = encode(_Collected(_with(metric, metric.samples[at : at + SLICE])))
            yield piece.removesuffix(end).removeprefix(head)
    yield end


def _with(metric: Metric, samples: Sequence[Sample]) -> Metric:
    """The metric with these samples alone."""
    part = copy(metric)
    part.samples = list(samples)
    return part
