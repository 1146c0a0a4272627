"""One client connection: its requests answered in order, one at a time."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from proxy.gateway.accounting import count_unread
from proxy.gateway.dispatch import dispatch
from proxy.gateway.errors import Refusal, error_response
from proxy.gateway.ledger import State
from proxy.gateway.primary import Primary
from proxy.gateway.request import Request, RequestReader
from proxy.gateway.routing import ModelScan
from proxy.gateway.services import Services
from proxy.gateway.tap import Tap

_BACKLOG = 65_536
"""Bytes of further requests kept unread while one is answered; beyond it reading stops."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Client:
    """Reads requests, starts a `Primary` for each, and writes what that gives it.

    A FIN before the answer is complete counts as leaving: by TCP it cannot be told from a close. An
    `asyncio.Protocol` in all but its base, which mypyc could not lay out in memory.
    """

    transport: asyncio.Transport
    peer = ""

    def __init__(self, services: Services) -> None:
        self.congested = False
        """Whether the client takes its answer more slowly than it comes."""
        self._services = services
        limits = services.config.limits
        self._reader = RequestReader(limits.head_bytes, limits.body_bytes)
        self._request: Request | None = None
        self._mirrored = False
        self._holding = False
        """Whether a body is held that is not whole yet."""
        self._held = 0
        """Bytes of it."""
        self.unheld = State.DROPPED_REQUEST_BYTES
        """How a request ends that would be mirrored if its body could be held."""
        self._primary: Primary | Tap | None = None
        self._backlog: list[bytes] = []
        self._backlog_size = 0
        self._dropping = False
        """What comes is dropped: the connection ends with this answer."""
        self._paused = False
        self._unsent = 0
        self._ending = False
        """Nothing more is read: what was written is flushed, then the connection closes."""
        self._called_last = False

    # the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport = cast("asyncio.Transport", transport)
        services = self._services
        services.clients.add(self)
        peername = transport.get_extra_info("peername")
        self.peer = peername[0] if peername else ""
        if len(services.clients) > services.config.limits.clients:
            self.fail(Refusal(503, "overloaded", "Too many connections.", bound="clients"))
        else:
            services.idles.add(self)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if self._ending:
            return
        request = self._request
        if self.congested if request is None else request.complete:
            self._keep_for_later(data)
            return
        self._reader.feed(data)
        self._advance()

    def eof_received(self) -> bool:  # noqa: D102
        self._leave(State.CLIENT_ABORT)
        self._close()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self._leave(State.CLIENT_ABORT)
        services = self._services
        services.heads.discard(self)
        services.idles.discard(self)
        services.lingers.discard(self)
        services.crammed.discard(self)
        services.clients.discard(self)
        if not services.clients:
            services.on_idle()

    def pause_writing(self) -> None:  # noqa: D102
        self.congested = True
        self._unsent = self.transport.get_write_buffer_size()
        self._services.idles.add(self)
        if self._primary is not None and self._primary.connection is not None:
            self._primary.connection.pause()

    def resume_writing(self) -> None:  # noqa: D102
        self.congested = False
        if not self._ending:
            self._services.idles.discard(self)
        if self._primary is not None and self._primary.connection is not None:
            self._primary.connection.resume()
        elif self._request is None and not self._ending and not self.transport.is_closing():
            self._go_on()

    # reading

    def pause(self) -> None:
        """Read no more of a body until `resume`: the server takes it more slowly than it comes."""
        if not self._paused and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._paused and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def _keep_for_later(self, data: bytes) -> None:
        if self._dropping:
            return
        self._backlog.append(data)
        self._backlog_size += len(data)
        if self._backlog_size > _BACKLOG:
            self.pause()
            self._services.crammed.add(self)

    def crammed_too_long(self) -> None:
        """So much waits behind an unanswered request that nothing more is read: a client that leaves goes unseen.

        So read on and keep nothing: the connection closes behind the answer, with which whoever pipelines requests
        must reckon (RFC 9112 section 9.3.2).
        """
        request = self._request
        if request is None or self._ending:
            return
        request.keep_alive = False
        self._dropping = True
        self._backlog.clear()
        self._backlog_size = 0
        self.resume()

    def _advance(self) -> None:
        """Go on with what has been read: the next request, more of a body, or a refusal."""
        reader = self._reader
        request = self._request
        if request is None and reader.requests:
            request = self._take(reader.requests.popleft())
            if request.complete:
                self._services.idles.discard(self)
                self._services.heads.discard(self)
                self._begin(request)
                return
        self._advance_slowly(reader, request)

    def _advance_slowly(self, reader: RequestReader, request: Request | None) -> None:
        """Go on where more is to come before the request is whole, or nothing good is."""
        refusal = reader.refusal
        if request is None:
            if refusal is not None:
                self.fail(refusal)
            else:
                self._watch()
            return
        if refusal is not None and not request.complete:
            self._spoilt(refusal)
            return
        self._watch()
        if self._primary is not None:
            self._primary.pass_body()
        elif not self._must_wait(request):
            self._begin(request)
        if request.expects_continue and not request.complete and request.size == 0:
            request.expects_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self, request: Request) -> None:
        """Send a request on its way."""
        services = self._services
        if self._holding:
            self._let_go()
        if self._mirrored and request.complete and request.size > services.config.mirror.request_bytes:
            count_unread(services, ModelScan(services.config), request.pieces, State.DROPPED_REQUEST_BYTES)
            self._mirrored = False
        if services.bodies.used > services.bodies.limit and request.complete and request.size:
            self.fail(Refusal(503, "overloaded", "Too many requests wait here.", 1, bound="held_bytes"))
        elif services.tap:
            self._primary = tap = Tap(services, self, request)
            tap.start(mirrored=self._mirrored)
        elif self._mirrored and request.complete and services.router.reads_first:
            self._primary = dispatch(services, self, request)
        else:
            self._primary = primary = Primary(services, self, request)
            primary.start(mirrored=self._mirrored)

    def _take(self, request: Request) -> Request:
        self._request = request
        self._mirrored = self._services.router.may_mirror(request)
        return request

    def _must_wait(self, request: Request) -> bool:
        """Whether a request that may be mirrored is still to be held; what cannot be is passed on as it comes."""
        if not self._mirrored or request.complete:
            return False
        services = self._services
        self.unheld = State.DROPPED_REQUEST_BYTES
        if max(request.size, request.length or 0) > services.config.mirror.request_bytes:
            return False
        if not services.bodies.take(request.size - self._held):
            self.unheld = State.DROPPED_MIRROR_BYTES
            return False
        self._held = request.size
        if not self._holding:
            self._holding = True
            services.holds.add(self)
        return True

    def _let_go(self) -> None:
        """The body is held no longer, or not by us."""
        services = self._services
        services.holds.discard(self)
        services.bodies.give(self._held)
        self._holding, self._held = False, 0

    def held_too_long(self) -> None:
        """The body is still not whole, so it goes on as it comes."""
        request = self._request
        if request is not None:
            self.unheld = State.DROPPED_REQUEST_TIME
            self._begin(request)

    def _watch(self) -> None:
        """Set the timeouts that fit: for a head, for a body or the next request, or none while it is our turn."""
        services, request = self._services, self._request
        if self._reader.in_head and request is None:
            services.idles.discard(self)
            if self not in services.heads:
                services.heads.add(self)
            return
        services.heads.discard(self)
        if request is None or not request.complete:
            services.idles.add(self)
        else:
            services.idles.discard(self)

    def head_overdue(self) -> None:
        """The head has taken too long."""
        self.fail(Refusal(408, "head_timeout", "The request's head took too long."))

    def idle_too_long(self) -> None:
        """Nothing moved for too long: between requests, in the middle of a body, or in what the client reads."""
        if self.congested or self._ending:
            self._stalled()
        elif self._request is None:
            self._close()
        else:
            self._spoilt(Refusal(408, "body_timeout", "The request's body took too long."))

    def _stalled(self) -> None:
        """The client has room for more time only while it takes something of what was written."""
        unsent = self.transport.get_write_buffer_size()
        if unsent in (0, self._unsent):
            self.abort()
        else:
            self._unsent = unsent
            self._services.idles.add(self)

    def lingered(self) -> None:
        """The time for the client's FIN is over, unless it is still reading."""
        self._unsent = self.transport.get_write_buffer_size()
        if self._unsent:
            self._services.idles.add(self)
        else:
            self.abort()

    def _spoilt(self, refusal: Refusal) -> None:
        """The request that is being read cannot be completed."""
        primary, self._primary = self._primary, None
        if primary is None:
            self.fail(refusal)
            return
        primary.client_left()
        if primary.begun:
            self.break_off(reset=True)
        else:
            self.fail(refusal)

    # writing, for the primary

    def answered(self, *, keep: bool) -> None:
        """The answer is complete; `keep` where the connection serves another request."""
        self._primary = self._request = None
        if self._dropping or not keep:
            self._end()
        elif self.congested:
            self._services.idles.add(self)  # a client that sends on and reads nothing is owed no further answers
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Read on, first what came while an answer was under way; nothing while a whole request waits still."""
        waiting = self._reader.requests
        if waiting and waiting[0].complete:
            if self._backlog_size > _BACKLOG:
                self._services.crammed.add(self)  # it goes on, so its time begins anew
        else:
            backlog, self._backlog = self._backlog, []
            self._backlog_size = 0
            self._services.crammed.discard(self)
            self.resume()
            for data in backlog:
                self._reader.feed(data)
        self._advance()

    def fail(self, refusal: Refusal, *, body: bool = True) -> None:
        """Answer with an error and close, reading on for a while so that the client gets to see it."""
        self._services.refused[refusal.reason].inc()
        if self._holding:
            self._let_go()
        self._primary = self._request = None
        if not self.transport.is_closing():
            self.transport.write(error_response(refusal, body=body))
        self._end()

    def break_off(self, *, reset: bool) -> None:
        """Close in the middle of an answer so that it cannot be taken for complete.

        A missing last chunk shows it by itself; an answer that ends with the connection, or has a length, needs a
        reset as well where `reset` is set.
        """
        self._primary = self._request = None
        self._ending = True
        if self.transport.is_closing():
            return
        if reset:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()
        else:
            self._close()

    # ending

    def drain(self) -> None:
        """Close where the client is idle and was so at the last call; an answer from now on says that it closes."""
        waits = self._request is None and not self._reader.in_head and not self.congested
        idle = waits and not self.transport.is_closing()
        if idle and self._called_last:
            self._close()
        self._called_last = idle

    def cut_off(self) -> None:
        """The gateway stops and can wait no longer."""
        self._leave(State.DROPPED_SHUTDOWN)
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._ending = True
        self.transport.abort()

    def _leave(self, state: State) -> None:
        self._ending = True
        if self._holding:
            self._let_go()
        primary, self._primary = self._primary, None
        if primary is not None:
            primary.client_left(state)

    def _close(self) -> None:
        """Close behind what was written; a client that takes nothing of it is not waited for for ever."""
        self._ending = True
        self.transport.close()
        if self.transport.can_write_eof():  # over TLS the transport itself waits for 30 seconds and no longer
            self._services.lingers.add(self)

    def _end(self) -> None:
        """Send a FIN behind what was written and wait shortly for the client's (RFC 9112 section 9.6)."""
        self._ending = True
        services = self._services
        services.heads.discard(self)
        services.idles.discard(self)
        if self.transport.is_closing():
            return
        self.resume()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            services.lingers.add(self)
        else:
            self.transport.close()  # TLS has no half-close
