"""One request to one arm, as an upstream connection and its pool see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from analyzers.pair import End
from proxy.gateway.response import ResponseHead

if TYPE_CHECKING:
    from proxy.gateway.arms.servers import Server
    from proxy.gateway.pool import Pool
    from proxy.gateway.upstream import Upstream
    from proxy.tracing.trace import LegSpan


class Leg(ABC):
    """Waits at a pool, is given a connection, writes its request, and is told what comes back."""

    pool: Pool
    """Where it waits for a connection."""
    connection: Upstream | None = None
    """The connection that carries it, while one does."""
    to_head = False
    """Whether the request's method is HEAD, whose answer has no body."""
    since = 0.0
    """When a server was chosen for it."""
    tried: tuple[Server, ...] = ()
    """The servers that would not take it."""
    replayable = False
    """Whether it may be sent once more, on a fresh connection, where a reused one closes before any answer.

    Such a close is most likely the end of an idle connection that crossed the request on its way (RFC 9112 section
    9.3.1), and says nothing of the arm. The rule is one for all legs: were it the primary's alone, an arm whose
    servers keep connections for less than `pool.IDLE` would look worse as a mirror than it is.
    """

    span: LegSpan | None = None
    """Its part of a trace, where its pair is traced."""

    @abstractmethod
    def send(self, connection: Upstream) -> None:
        """A connection is ready: write the request."""

    @abstractmethod
    def received(self, head: ResponseHead | None, body: bytes, end: End | None) -> None:
        """One arrival: the head where it came with it, body bytes, and how the answer ended where it did."""

    @abstractmethod
    def refused(self, *, timed_out: bool) -> None:
        """No server of the arm took it."""

    @abstractmethod
    def starved(self) -> None:
        """The gateway had no file descriptor left for a connection, which says nothing of the arm."""

    def interim(self, head: ResponseHead) -> None:
        """An informational response came (RFC 9110 section 15.2)."""
        return

    def sent_whole(self) -> bool:
        """Whether the whole request has been written, so that its connection may be used again."""
        return True

    def writable(self, *, paused: bool) -> None:
        """The connection's write buffer filled up, or has room again."""
        return

    def give_up(self) -> None:
        """Stop: close the connection that carries it, or leave the pool's queue. Nothing is told after this."""
        connection = self.connection
        if connection is None:
            self.pool.cancel(self)
        else:
            self.connection = None
            connection.leg = None
            connection.abort()
