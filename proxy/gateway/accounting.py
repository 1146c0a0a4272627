"""How a request enters the ledger, whoever answers it: read for its way, and opened as eligible where it is."""

from __future__ import annotations

from collections.abc import Iterable
from random import random
from secrets import randbits

import structlog

from proxy.gateway.bodies import SEEDED_PATHS, seeded
from proxy.gateway.eligibility import TooIntricateError
from proxy.gateway.ledger import State
from proxy.gateway.request import Request
from proxy.gateway.routing import ModelScan, Route
from proxy.gateway.services import Services
from proxy.gateway.shadow import Shadow
from proxy.report import Unmeasured

_log = structlog.get_logger(__name__)


def route_of(services: Services, request: Request, body: bytes, peer: str) -> Route | None:
    """The way of a request from `peer`; a body that routing fails on is passed on like any other."""
    try:
        return services.router.route(request, body, peer)
    except TooIntricateError:
        count_unread(services, ModelScan(services.config), [body], State.DROPPED_REQUEST_BYTES)
        return None
    except Exception as error:
        _log.error("a request could not be routed", error=type(error).__name__)
        return None


def count_unread(services: Services, scan: ModelScan, pieces: Iterable[bytes], state: State) -> bool:
    """Whether a body that cannot be read names a model that is mirrored; if so it is in the ledger now, in `state`.

    Nothing is known of such a request but its model, so the baseline answers it.
    """
    if not any(map(scan.feed, pieces)):
        return False
    services.ledger.open("baseline")
    services.ledger.close("baseline", state)
    if random() < services.config.mirror.sample:  # noqa: S311 - as if drawn: nothing is known of its session
        about = Unmeasured(0, "-", "baseline", state.value, services.segmenter.unread())
        services.scorer.leave(about)
    return True


def coupled(services: Services, request: Request, route: Route, body: bytes) -> bytes:
    """`body` with the seed that every leg of a mirrored request shares, where that is switched on."""
    if route.sampled and services.config.mirror.coupled_seed and request.path in SEEDED_PATHS:
        return seeded(body, route.body, randbits(31))
    return body


def enter(services: Services, request: Request, route: Route, body: bytes, arm: str) -> Shadow | None:
    """Open an eligible request's entry, `arm` being its primary; what runs beside it, where it is mirrored."""
    ledger = services.ledger
    ledger.open(arm)
    if not route.sampled:
        ledger.close(arm, State.NOT_SAMPLED)
        return None
    if services.lag.shed:
        ledger.close(arm, State.DROPPED_LAG)
        return None
    return Shadow(services, request, route, body, arm)
