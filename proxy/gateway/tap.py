"""A request that another proxy mirrors to this one: answered 202 at once, asked of both arms for its pair alone.

In this mode Slipgauge stands in nobody's way. The baseline is asked first, as the primary is otherwise, the
candidate by the same rule, and what becomes of them is told to nobody. That proxy may close its connection as soon
as it likes: nothing is aborted, since there is nobody who would have waited.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxy.gateway.accounting import count_unread, coupled, enter, route_of
from proxy.gateway.ledger import State
from proxy.gateway.request import Request
from proxy.gateway.routing import ModelScan
from proxy.gateway.services import Services

if TYPE_CHECKING:
    from proxy.gateway.client import Client

_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n%b\r\n"


class Tap:
    """To a client's connection what a `Primary` is otherwise. A body too large to be held is read past."""

    connection = None
    begun = False

    def __init__(self, services: Services, client: Client, request: Request) -> None:
        self._services = services
        self._client = client
        self._request = request
        self._scan: ModelScan | None = None
        self._left = False

    def start(self, *, mirrored: bool) -> None:
        """Ask both arms what may be `mirrored`, and answer."""
        services, request = self._services, self._request
        if not request.complete:
            self._scan = ModelScan(services.config) if mirrored else None
            self.pass_body()
            return
        body = request.take_body()
        route = route_of(services, request, body, self._client.peer) if mirrored else None
        if route is not None:
            body = coupled(services, request, route, body)
            shadow = enter(services, request, route, body, "baseline")
            if shadow is not None:
                shadow.start_first()
        self._answer_soon()

    def pass_body(self) -> None:
        """Read past what has arrived, and answer where that is all."""
        piece = self._request.take_body()
        if self._scan is not None and count_unread(self._services, self._scan, [piece], self._client.unheld):
            self._scan = None
        if self._request.complete:
            self._answer_soon()

    def client_left(self, state: State = State.CLIENT_ABORT) -> None:
        """The other proxy is gone, which is nothing to the pair."""
        self._left = True

    def _answer_soon(self) -> None:
        """Answer from the loop: of many requests that came at once, each would be answered within the last."""
        asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        client = self._client
        if self._left:
            return
        keep = self._request.keep_alive and not self._services.draining
        client.transport.write(_ACCEPTED % (b"" if keep else b"Connection: close\r\n"))
        client.answered(keep=keep)
