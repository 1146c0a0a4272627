"""Requests whose body must be read before they are sent: to know to which arm they go, to change or trace them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from proxy.gateway.accounting import coupled, route_of
from proxy.gateway.fallback import CanaryPrimary
from proxy.gateway.primary import Primary
from proxy.gateway.request import Request
from proxy.gateway.services import Services

if TYPE_CHECKING:
    from proxy.gateway.client import Client


def dispatch(services: Services, client: Client, request: Request) -> Primary:
    """Read a whole request, and send it; what the candidate may not answer, or cannot now, the baseline does."""
    body = request.take_body()
    route = route_of(services, request, body, client.peer)
    if route is None:
        request.pieces = [body]
        primary = Primary(services, client, request)
        primary.start(mirrored=False)
        return primary
    body = coupled(services, request, route, body)
    canary = route.canary and services.canary.takes(monotonic())
    primary = CanaryPrimary(services, client, request) if canary else Primary(services, client, request)
    primary.start_read(route, body)
    return primary
