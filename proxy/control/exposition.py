"""Metrics as whoever scrapes them asks to have them."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


def exposed(request: web.Request, registry: CollectorRegistry) -> web.Response:
    """Prometheus text or OpenMetrics, as the Accept header asks."""
    try:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    except (TypeError, ValueError):  # a version in the header that is no number
        encode, content_type = choose_encoder("")
    return web.Response(body=encode(registry), headers={"Content-Type": content_type})
