"""The servers of one arm, and which of them takes the next request. Pure.

The choice falls on the server with the fewest requests outstanding; among equals, on the one chosen longest
ago. Two things take a server out of the choice:

- What becomes of requests. One that fails `failures` times in a row, without an answer between, is ejected for
  `pause` seconds. The next request after that is a trial: an answer puts the server back, another failure ejects it
  for twice as long, up to `max_pause`. This is outlier detection as Envoy and gRPC do it (gRFC A50).
- Health checks. Two that fail in a row take it out, two good ones put it back, freed of any ejection too: a
  server that was down and is up again has most likely been started anew.

Where no server is left, the choice goes on among the least bad, those that are up before those that are down:
a client is better served by a bad server than by none. `usable` says that it has come to that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from analyzers.pair import End
from proxy.address import parse_url
from proxy.config import Ejection

CHECKS = 2
"""Health checks in a row that change what is thought of a server."""


class Change(StrEnum):
    """What became of a server, for the log and the metrics."""

    EJECTED = "ejected"
    RETURNED = "returned"
    DOWN = "down"
    UP = "up"


class Reason(StrEnum):
    """Why a server was taken out."""

    CONNECT = "connect"
    """No connection: refused, timed out, or no agreement on TLS."""
    RESET = "reset"
    """The connection broke, or broke HTTP."""
    STATUS = "status"
    """A 5xx."""
    SILENCE = "silence"
    """No status by the deadline."""
    HEALTH = "health"
    """Its health checks."""


class Server:
    """One server as the choice sees it.

    Whoever sends it a request counts it in `outstanding`: up at the choice, down at the end.
    """

    __slots__ = (
        "checks",
        "ejected_at",
        "failures",
        "name",
        "outstanding",
        "pause",
        "trial_at",
        "turn",
        "up",
        "url",
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = str(parse_url(url).address)
        """Host and port, for people."""
        self.outstanding = 0
        self.failures = 0
        """Failures in a row. While it is 0, an answer changes nothing and need not be reported."""
        self.up = True
        """What health checks say; true until they have spoken."""
        self.checks = 0
        """Health checks in a row that contradict `up`."""
        self.ejected_at: float | None = None
        self.trial_at = 0.0
        """When an ejected server gets its next request."""
        self.pause = 0.0
        self.turn = 0
        """The number of the choice that last fell on it."""

    @property
    def usable(self) -> bool:
        """Whether it is neither ejected nor down."""
        return self.up and self.ejected_at is None


def blame(end: End, status: int | None) -> Reason | None:
    """What a request's end says against its server; None where nothing.

    Any 5xx does, as in Envoy's consecutive_5xx: a gateway before the server answers 502 or 503 when the server
    is gone, and vLLM answers 500 once its engine has died. A request that provokes a 500 ejects nothing as long
    as other requests are answered between. Silence to the deadline does, an answer that was merely long does
    not.
    """
    if end is End.REFUSED:
        return Reason.CONNECT
    if end is End.RESET:
        return Reason.RESET
    if status is not None and status >= 500:
        return Reason.STATUS
    if end is End.DEADLINE and status is None:
        return Reason.SILENCE
    return None


class Servers:
    """Chooses, and learns from what becomes of requests and checks. `now` and `since` are seconds of one clock.

    `kept` are servers by URL that a former configuration knew: they keep their state and their count.
    """

    def __init__(self, urls: Iterable[str], ejection: Ejection, kept: Mapping[str, Server] | None = None) -> None:
        self.all = tuple((kept or {}).get(url) or Server(url) for url in urls)
        self._ejection = ejection
        self._turn = max(server.turn for server in self.all)
        self._all_usable = all(server.usable for server in self.all)

    @property
    def usable(self) -> bool:
        """Whether any server is neither ejected nor down: without one, no traffic should be moved to this arm."""
        return self._all_usable or any(server.usable for server in self.all)

    def tries(self, now: float) -> bool:
        """Whether the next request is the trial of a server that was ejected."""
        return any(_on_trial(server, now) for server in self.all)

    def choose(self, now: float) -> Server:
        """The server for the next request."""
        if not self._all_usable:
            server = self._choose_among(self.all, now)
        else:
            server = self.all[0]
            for each in self.all:
                if each.outstanding < server.outstanding or (
                    each.outstanding == server.outstanding and each.turn < server.turn
                ):
                    server = each
        self._turn = server.turn = self._turn + 1
        return server

    def another(self, tried: Collection[Server], now: float) -> Server | None:
        """A server for a request that those `tried` would not take; None where all were tried."""
        left = [server for server in self.all if server not in tried]
        if not left:
            return None
        server = self._choose_among(left, now)
        self._turn = server.turn = self._turn + 1
        return server

    def answered(self, server: Server, since: float) -> Change | None:
        """A request sent at `since` got an answer that does not speak against its server.

        Needs telling only where `server.failures` is not 0.
        """
        if server.ejected_at is None:
            server.failures = 0
        elif since >= server.ejected_at:
            return self._return(server, Change.RETURNED)
        return None

    def failed(self, server: Server, since: float, now: float) -> Change | None:
        """A request sent, or a connection begun, at `since` has failed.

        Of an ejected server only what began after its ejection tells anything new.
        """
        server.failures += 1
        if server.ejected_at is None:
            if server.failures < self._ejection.failures:
                return None
            server.pause = self._ejection.pause
        elif since < server.ejected_at:
            return None
        else:
            server.pause = min(2 * server.pause, self._ejection.max_pause)
        change = Change.EJECTED if server.ejected_at is None else None
        server.ejected_at = now
        server.trial_at = now + server.pause
        self._all_usable = False
        return change

    def checked(self, server: Server, *, good: bool) -> Change | None:
        """A health check ended."""
        server.checks = 0 if good is server.up else server.checks + 1
        if server.checks < CHECKS:
            return None
        server.checks = 0
        server.up = good
        if good:
            return self._return(server, Change.UP)
        self._all_usable = False
        return Change.DOWN

    def _return(self, server: Server, change: Change) -> Change:
        server.failures = 0
        server.ejected_at = None
        self._all_usable = all(each.usable for each in self.all)
        return change

    def _choose_among(self, servers: Iterable[Server], now: float) -> Server:
        for server in servers:
            if _on_trial(server, now):
                server.trial_at = now + server.pause  # should this trial never end, there is another
                return server
        return min(servers, key=lambda s: (not s.usable, not s.up, s.outstanding, s.turn))


def _on_trial(server: Server, now: float) -> bool:
    return server.up and server.ejected_at is not None and now >= server.trial_at
