"""One arm at run time: its servers, what extra legs may spend on it, and what is known and told of it."""

from __future__ import annotations

import ssl
from itertools import product
from math import nan

import structlog

from proxy import config
from proxy.gateway.arms.budget import TokenBudget
from proxy.gateway.arms.exposition import Load
from proxy.gateway.arms.pressure import Pressure
from proxy.gateway.arms.servers import Change, Reason, Server, Servers
from proxy.gateway.ledger import State
from proxy.telemetry import Telemetry
from proxy.tls import arm_tls

_log = structlog.get_logger(__name__)

_EVENTS = {
    Change.EJECTED: "a server was ejected",
    Change.RETURNED: "a server answers again",
    Change.DOWN: "a server is down",
    Change.UP: "a server is up again",
}
PURPOSES = ("mirror", "repeat", "probe")
"""What an extra leg is for."""
QUIET = 10.0
"""Seconds between two log lines on why one server cannot be connected to."""


class Arm:
    """`name` is "baseline" or "candidate", `share` this process's part of its budget.

    `now` and `since` are seconds of one clock.
    """

    def __init__(self, name: str, settings: config.Arm, telemetry: Telemetry, *, share: float, now: float) -> None:
        self.name = name
        self.settings = settings
        self.tls = arm_tls(settings)
        self.servers = Servers(settings.url, settings.ejection)
        self.pressed = False
        """Whether its servers have said that they are too busy for extra legs."""
        self._share = share
        self._telemetry = telemetry
        self._pressure, self._budget = self._bounds(now)
        self._said_at: dict[Server, float] = {}
        """When it was last logged why a server cannot be connected to."""
        self._starved_at = -QUIET
        self._slots = telemetry.blocks[0].slots
        self._extra_tokens = {purpose: telemetry.extra_tokens.labels(name, purpose).slot for purpose in PURPOSES}
        self._refused = {
            (purpose, state): telemetry.extra_refused.labels(name, purpose, state.removeprefix("dropped_")).slot
            for purpose, state in product(PURPOSES, (State.DROPPED_BUDGET, State.DROPPED_PRESSURE))
        }
        self._show(now)

    def follow(self, settings: config.Arm, tls: ssl.SSLContext | None, now: float) -> None:
        """Go by other settings from now on; servers that they still name stay as they are, and their count.

        Another budget begins full.
        """
        was, self.settings, self.tls = self.settings, settings, tls
        old = {server.url: server for server in self.servers.all}
        self.servers = Servers(settings.url, settings.ejection, old)
        if settings.extra != was.extra:
            self._pressure, self._budget = self._bounds(now)
        for server in set(old.values()).difference(self.servers.all):
            self._said_at.pop(server, None)
            for gauge in (self._telemetry.upstream_up, self._telemetry.upstream_outstanding):
                gauge.labels(self.name, server.name).set(nan)
        self._show(now)

    def _bounds(self, now: float) -> tuple[Pressure, TokenBudget | None]:
        extra = self.settings.extra
        rate = extra.tokens_per_second
        return Pressure(extra), None if rate is None else TokenBudget(rate * self._share, now)

    def _show(self, now: float) -> None:
        for server, reason in product(self.servers.all, Reason):
            self._telemetry.upstream_ejections.labels(self.name, server.name, reason)
        self.refresh(now)

    # what extra legs may spend

    def spend(self, purpose: str, tokens: int, now: float) -> State | None:
        """Charge for an extra leg whose prompt is estimated at `tokens`; `settle` must follow.

        Where it may not start, this is counted, nothing is charged, and the state of what is dropped comes back.
        """
        if self.pressed:
            state = State.DROPPED_PRESSURE
        elif self._budget is None or self._budget.take(tokens, now):
            return None
        else:
            state = State.DROPPED_BUDGET
        self._slots[self._refused[purpose, state]] += 1.0
        return state

    def settle(self, purpose: str, charged: int, spent: int) -> None:
        """The leg that was charged with `charged` tokens took `spent`."""
        if self._budget is not None:
            self._budget.settle(charged, spent)
        self._slots[self._extra_tokens[purpose]] += spent

    # what becomes of its servers

    def answered(self, server: Server, since: float) -> None:
        """See `Servers.answered`."""
        self._changed(server, self.servers.answered(server, since))

    def failed(self, server: Server, reason: Reason, since: float, now: float, problem: str = "") -> None:
        """See `Servers.failed`. `problem` says in words what happened, where there is more to say than `reason`."""
        if server not in self.servers.all:
            return  # it has been left out of the configuration since
        if reason is Reason.CONNECT and now - self._said_at.get(server, -QUIET) >= QUIET:
            self._said_at[server] = now
            _log.warning("a server cannot be connected to", arm=self.name, server=server.name, problem=problem)
        self._changed(server, self.servers.failed(server, since, now), reason, problem)

    def starved(self, now: float) -> None:
        """There was no file descriptor for a connection, which is held against no server."""
        if now - self._starved_at >= QUIET:
            self._starved_at = now
            _log.error("no file descriptor is left for connections to servers", arm=self.name)

    def checked(self, server: Server, problem: str | None) -> None:
        """A health check ended; `problem` is None where it was good."""
        change = self.servers.checked(server, good=problem is None)
        self._changed(server, change, Reason.HEALTH, problem or "")

    def said(self, server: Server, load: Load, now: float) -> None:
        """A server said how busy it is."""
        self._pressure.said(server.url, load, now)
        self.refresh(now)

    def refresh(self, now: float) -> None:
        """Take account of what time has changed, and show everything in the metrics."""
        telemetry, urls = self._telemetry, [server.url for server in self.servers.all]
        self.pressed = self._pressure.pressed(urls, now)
        telemetry.pressure.labels(self.name).set(self.pressed)
        telemetry.pressure_known.labels(self.name).set(self._pressure.known(urls, now))
        for server in self.servers.all:
            telemetry.upstream_up.labels(self.name, server.name).set(server.usable)
            telemetry.upstream_outstanding.labels(self.name, server.name).set(server.outstanding)

    def _changed(
        self, server: Server, change: Change | None, reason: Reason | None = None, problem: str = ""
    ) -> None:
        if change is None:
            return
        self._telemetry.upstream_up.labels(self.name, server.name).set(server.usable)
        told = {"arm": self.name, "server": server.name, "usable_left": self.servers.usable}
        if reason is not None and change in (Change.EJECTED, Change.DOWN):
            self._telemetry.upstream_ejections.labels(self.name, server.name, reason).inc()
            _log.warning(_EVENTS[change], **told, reason=reason.value, problem=problem)
        else:
            _log.info(_EVENTS[change], **told)
