"""The connections to one server for one kind of leg.

Pools share nothing: a stuck mirror cannot starve a client, nor a stuck server another one.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol, cast

from proxy.address import parse_url
from proxy.config import Limits
from proxy.descriptors import ran_out
from proxy.gateway.arms.servers import Server
from proxy.gateway.leg import Leg
from proxy.gateway.outgoing import host_line
from proxy.gateway.timeouts import Timeouts
from proxy.gateway.upstream import Upstream
from proxy.tasks import cancel, spawn

IDLE = 3.0
"""Seconds an unused connection is kept; uvicorn, under vLLM, closes its own after 5, which would be a race."""


class Refused(Protocol):
    """Told of a leg for which no connection could be made, and why."""

    def __call__(self, leg: Leg, problem: str, *, timed_out: bool, ours: bool) -> None:
        """`problem` says why in words; `ours` is whether the fault is the gateway's own."""
        ...


class Pool:
    """At most `limit` connections; the latest used goes first, so that the surplus ages and is closed."""

    def __init__(
        self, server: Server, limit: int, limits: Limits, tls: ssl.SSLContext | None, refused: Refused
    ) -> None:
        url = parse_url(server.url)
        self.server = server
        self.host_line = host_line(url)
        self._address = url.address
        self._secure = url.scheme == "https"
        self._refused = refused
        self._retired = False
        self._limits = limits
        self.follow(limit, tls)
        self.open = 0
        """Connections that are open or being made."""
        self._connecting: set[asyncio.Task[None]] = set()
        self._connections: set[Upstream] = set()
        self._idle: dict[Upstream, None] = {}
        self._waiting: dict[Leg, None] = {}
        self._ages: Timeouts[Upstream] = Timeouts(IDLE, Upstream.abort)

    def follow(self, limit: int, tls: ssl.SSLContext | None) -> None:
        """Hold at most `limit` connections, and make new ones by `tls`; those that are open stay."""
        self._limit = limit
        self._tls = tls if self._secure else None

    def retire(self) -> None:
        """Keep no connection beyond the legs that have come so far."""
        self._retired = True
        self.close_idle()

    def acquire(self, leg: Leg, *, fresh: bool = False) -> None:
        """Give the leg a connection, now or when there is one; `fresh` where idle ones are not to be trusted."""
        if fresh:
            self.close_idle()
        while self._idle:
            connection, _ = self._idle.popitem()
            self._ages.discard(connection)
            if not connection.closed:
                connection.carry(leg)
                return
        self._waiting[leg] = None
        self._connect_for_waiting()

    def cancel(self, leg: Leg) -> None:
        """The leg waits no more."""
        self._waiting.pop(leg, None)

    def release(self, connection: Upstream) -> None:
        """A connection is free: for the longest waiting leg, else idle."""
        if self._waiting:
            leg = next(iter(self._waiting))
            del self._waiting[leg]
            connection.carry(leg)
        elif self._retired:
            connection.abort()
        else:
            self._idle[connection] = None
            self._ages.add(connection)

    def forget(self, connection: Upstream) -> None:
        """A connection closed."""
        self._connections.discard(connection)
        self.open -= 1
        self._idle.pop(connection, None)
        self._ages.discard(connection)
        self._connect_for_waiting()

    def close_idle(self) -> None:
        """Close every connection that carries nothing."""
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    async def close(self) -> None:
        """Close everything; legs under way are not told."""
        self._waiting.clear()
        self._ages.close()
        await cancel(*self._connecting)
        for connection in list(self._connections):
            connection.leg = None
            connection.abort()

    def _connect_for_waiting(self) -> None:
        while len(self._connecting) < len(self._waiting) and self.open < self._limit:
            self.open += 1
            task = spawn(self._connect(), name=f"connect {self._address}")
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _upstream(self) -> asyncio.Protocol:
        return cast("asyncio.Protocol", Upstream(self, self._limits.head_bytes))

    async def _connect(self) -> None:
        made: Upstream | None = None
        problem, timed_out, ours = "it closed the connection at once", False, False
        try:
            async with asyncio.timeout(self._limits.connect_timeout):
                _, protocol = await asyncio.get_running_loop().create_connection(
                    self._upstream,
                    self._address.host,
                    self._address.port,
                    ssl=self._tls,
                )
                made = cast("Upstream", protocol)
        except (
            OSError,
            UnicodeError,
        ) as error:  # TimeoutError and ssl.SSLError are OSErrors; a bad name is neither
            problem, timed_out, ours = problem_of(error), isinstance(error, TimeoutError), ran_out(error)
        finally:
            if made is None:
                self.open -= 1
        self._connecting.discard(asyncio.current_task())
        if made is not None and not made.closed:
            self._connections.add(made)
            self.release(made)
        elif self._waiting:
            leg = next(iter(self._waiting))
            del self._waiting[leg]
            self._refused(leg, problem, timed_out=timed_out, ours=ours)
            self._connect_for_waiting()


def problem_of(error: Exception) -> str:
    """Why no connection could be made, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no agreement on TLS: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "it accepted no connection in time"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "its name cannot be looked up"
