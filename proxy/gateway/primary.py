"""The leg whose answer the client gets. What arrives is written to the client in the same callback, then shared.

Requests that may be mirrored are held until their body is whole, up to `mirror.request_bytes`, before
they are sent: they can be sent again where a kept connection turns out closed, and be read for routing. All others
stream both ways. A body too large to be held is not parsed but scanned for a configured model as it passes; where
it names one it is eligible and ends as `dropped_request_bytes`, sampled or not: the loss of long prompts shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from analyzers.pair import End
from proxy.gateway.accounting import count_unread, enter, route_of
from proxy.gateway.bodies import renamed
from proxy.gateway.errors import Refusal
from proxy.gateway.ledger import State
from proxy.gateway.leg import Leg
from proxy.gateway.naming import Naming
from proxy.gateway.outgoing import accept_plain, primary_head
from proxy.gateway.request import Request
from proxy.gateway.response import ResponseHead, head_bytes
from proxy.gateway.routing import OPERATIONS, OTHER, ModelScan, Route
from proxy.gateway.services import Services
from proxy.gateway.shadow import Shadow
from proxy.gateway.upstream import Upstream

if TYPE_CHECKING:
    from proxy.gateway.client import Client

_JOINED = 65_536
"""Body bytes up to which the head and they are written as one; above, a copy would cost more than a write."""
_LAST_CHUNK = b"0\r\n\r\n"
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"})
"""Methods of which a request sent twice does what it does once (RFC 9110 section 9.2.2). A POST that is eligible
generates text and no more, so it does, too; any other may start a job, load a model or have a tool act."""

_log = structlog.get_logger(__name__)


class Primary(Leg):
    """Made when a request can be sent; ends by telling the client's connection how."""

    def __init__(self, services: Services, client: Client, request: Request) -> None:
        self._services = services
        self._lane = services.primary
        self._client = client
        self._request = request
        self._operation = OPERATIONS.get(request.path, OTHER)
        self._ready = monotonic()
        """When the gateway had all it needed to send it."""
        self._sent = 0.0
        self._held: bytes | None = None
        """The whole body, where it was complete before the send, until an answer begins."""
        self._owed = 0
        """What of it the bodies' budget counts."""
        self._body_sent = False
        self._shadow: Shadow | None = None
        self._scan: ModelScan | None = None
        self._naming: Naming | None = None
        self._status: int | None = None
        self._chunked = False
        self._until_close = False
        self._chunked_out = False
        self._close = False
        if request.method == b"HEAD":
            self.to_head = True

    def start(self, *, mirrored: bool) -> None:
        """Send the request; where it may be `mirrored`, decide on that once its bytes are on their way."""
        services, request = self._services, self._request
        if request.complete:
            self._held = body = request.take_body()
            self._owed = len(body)
            services.bodies.used += self._owed
            self.replayable = request.method in _IDEMPOTENT
            self._lane.acquire(self, self._ready)
            if mirrored:
                route = route_of(services, request, body, self._client.peer)
                if route is not None:
                    self.replayable = True
                    self._shadow = enter(services, request, route, body, self._lane.target.name)
                    if self._shadow is not None and self._sent:
                        services.deadlines.add(self)
            return
        if mirrored:
            self._scan = ModelScan(services.config)
        self._lane = services.streaming
        self._lane.acquire(self, self._ready)

    def start_read(self, route: Route, body: bytes) -> None:
        """Send a request that has been read before, as `body`, with the model as the arm calls it."""
        self.replayable = True
        self._owed = len(body)
        self._services.bodies.used += self._owed
        self._address(body, route.model, route.body)
        self._shadow = shadow = enter(self._services, self._request, route, body, self._lane.target.name)
        if shadow is not None and shadow.trace is not None:
            self.span = shadow.span_of(self._lane, "primary", shadow.recorder)
        self._lane.acquire(self, self._ready)

    def _address(self, body: bytes, model: str, parsed: Mapping[str, Any] | None = None) -> None:
        """Ask the arm for `model` by its own name, and undo that in its answer; `parsed` is the body, read."""
        name = self._lane.target.name_of(model)
        if name == model:
            self._held, self._naming = body, None
        else:
            self._held = renamed(body, parsed or orjson.loads(body), name)
            self._naming = Naming(model, name)
            accept_plain(self._request)

    @property
    def begun(self) -> bool:
        """Whether any of the answer has been written to the client."""
        return self._status is not None

    # towards the server

    def send(self, connection: Upstream) -> None:
        """See `Leg.send`."""
        now = monotonic()
        if not self._sent:
            self._sent = now
            self._services.added_latency.observe(now - self._ready)
            if self._shadow is not None:
                self._services.deadlines.add(self)
        request, body, own = self._request, self._held, self.pool.host_line
        if self.span is not None:
            own += self.span.start_line(now, self.pool.server.url)
        if body is None:
            self._chunked_out = request.length is None
            self._client.resume()
            connection.transport.write(primary_head(request, own, None))
            self.pass_body()
            return
        length = len(body) if request.has_body else None
        connection.transport.writelines((primary_head(request, own, length), body))
        self._body_sent = True

    def pass_body(self) -> None:
        """Pass on what has arrived of a body that streams."""
        request, connection = self._request, self.connection
        if connection is None:
            if request.complete:
                self._client.resume()
            else:
                self._client.pause()
            return
        pieces, request.pieces = request.pieces, []
        if self._scan is not None and count_unread(self._services, self._scan, pieces, self._client.unheld):
            self._scan = None
        out = pieces
        if self._chunked_out:
            out = _chunk(pieces)
            if request.complete:
                out.append(b"0\r\n\r\n")
        if out:
            connection.transport.writelines(out)
        self._body_sent = request.complete

    def sent_whole(self) -> bool:
        """See `Leg.sent_whole`."""
        return self._body_sent

    def writable(self, *, paused: bool) -> None:
        """See `Leg.writable`."""
        if not paused:
            self._client.resume()
        elif not self._request.complete:  # of a whole one nothing more comes, and its client is to be seen leaving
            self._client.pause()

    # towards the client

    def interim(self, head: ResponseHead) -> None:
        """Pass an informational response on; a 100 is the gateway's own to give."""
        if head.status != 100 and not self._request.http10:
            self._client.transport.write(head_bytes(head, chunked=False, close=False))

    def received(self, head: ResponseHead | None, body: bytes, end: End | None) -> None:
        """See `Leg.received`."""
        client = self._client
        if head is None:
            first = b""
        elif end is End.RESET:
            first, head, body = b"", None, b""  # nothing has been passed on: an error says more than a fragment
        else:
            first = self._begin(head)
        if self._naming is None:
            framed = self._framed(body, end)
        else:
            framed = self._framed(self._naming.body(body, last=end is not None), end)
        if len(framed) > _JOINED:
            client.transport.writelines((first, framed))
        else:
            client.transport.write(first + framed)
        if client.congested and self.connection is not None:
            self.connection.pause()
        if self._shadow is not None:
            self._share(self._shadow, head, body, end)
        if end is End.COMPLETE:
            self._count(end)
            client.answered(keep=not self._close and self._body_sent)
        elif end is not None:
            self._count(end)
            self._broken(Refusal(502, "bad_gateway", "The model server broke off before it answered."))

    def _framed(self, body: bytes, end: End | None) -> bytes:
        """Body bytes as the client's connection frames them, with what ends the answer (RFC 9112 section 7.1)."""
        if not self._chunked:
            return body
        last = _LAST_CHUNK if end is End.COMPLETE else b""
        return b"%x\r\n%b\r\n%b" % (len(body), body, last) if body else last

    def _share(self, shadow: Shadow, head: ResponseHead | None, body: bytes, end: End | None) -> None:
        """Tell the pair what came; a fault of the program in there must not become the client's."""
        try:
            shadow.primary_received(head, body, end, monotonic() - self._sent)
        except Exception as error:
            self._shadow = None
            _log.error("a pair was lost to a fault", error=type(error).__name__)
            shadow.drop(State.DROPPED_FAULT)

    def _begin(self, head: ResponseHead) -> bytes:
        request = self._request
        self._status = head.status
        self._held = None
        self._services.bodies.used -= self._owed
        self._owed = 0
        if self._naming is not None:
            head = self._naming.head(head)
        unframed = head.length is None and not head.bodiless
        self._chunked = unframed and not request.http10
        self._until_close = unframed and request.http10
        self._close = not request.keep_alive or self._services.draining or not self._body_sent
        return head_bytes(head, chunked=self._chunked, close=self._close)

    def refused(self, *, timed_out: bool) -> None:
        """See `Leg.refused`."""
        if self._shadow is not None:
            self._shadow.primary_ended(End.REFUSED, 0.0)
        self._count(End.REFUSED)
        if timed_out:
            self._broken(Refusal(504, "gateway_timeout", "The model server did not accept a connection in time."))
        else:
            self._broken(Refusal(502, "bad_gateway", "The model server cannot be reached."))

    def starved(self) -> None:
        """See `Leg.starved`."""
        if self._shadow is not None:
            self._shadow.drop(State.DROPPED_DESCRIPTORS)
        self._count(End.ABORTED)
        message = "The gateway has no room for a connection to the model server; try again."
        self._broken(Refusal(503, "overloaded", message, 1, bound="descriptors"))

    def _broken(self, refusal: Refusal) -> None:
        """No whole answer will come: an error where nothing was written, else a visible break."""
        if self._status is None:
            self._client.fail(refusal, body=not self.to_head)
        else:
            self._client.break_off(reset=self._until_close)

    def deadline_passed(self) -> None:
        """The answer is unfinished at its deadline: unserved, for scoring; the client's stream goes on."""
        if self._shadow is not None:
            self._shadow.primary_ended(End.DEADLINE, monotonic() - self._sent)

    def client_left(self, state: State = State.CLIENT_ABORT) -> None:
        """The client is gone, or is being cut off: abort the server's work at once."""
        self.give_up()
        if self._shadow is not None:
            self._shadow.drop(state)
        self._count(End.ABORTED)

    def _count(self, end: End) -> None:
        services = self._services
        services.bodies.used -= self._owed
        self._owed = 0
        if self._shadow is not None:
            services.deadlines.discard(self)
        if self.span is not None:
            self.span.over(end, self._status, monotonic())
        self._lane.ended(self, self._operation, end, self._status, self._sent)


def _chunk(pieces: list[bytes]) -> list[bytes]:
    """`pieces` as one chunk (RFC 9112 section 7.1)."""
    size = sum(map(len, pieces))
    return [b"%x\r\n" % size, *pieces, b"\r\n"] if size else []
