"""One kind of leg to one arm: to which server each goes, over which pool, and how it is counted."""

from __future__ import annotations

from time import monotonic

from analyzers.pair import End
from proxy.config import Config
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.servers import Reason, Server, blame
from proxy.gateway.leg import Leg
from proxy.gateway.meter import LegMeter
from proxy.gateway.outgoing import target_of
from proxy.gateway.pool import Pool
from proxy.telemetry import Telemetry

_RESET = End.RESET


class Lane:
    """Every leg goes in by `acquire` and out by `ended`, once each.

    A server that no connection can be made to has been sent nothing, so the leg tries the arm's others, each once.
    """

    def __init__(self, arm: Arm, leg: str, config: Config, telemetry: Telemetry) -> None:
        self.arm = arm
        self.leg = leg
        """"primary", "mirror" or "repeat"."""
        self._meter = LegMeter(telemetry, arm.name, leg)
        self._pools: dict[Server, Pool] = {}
        self._retired: list[Pool] = []
        self.follow(config, reconnect=False)

    def follow(self, config: Config, *, reconnect: bool) -> None:
        """Send legs as this configuration says, which the arm follows already.

        Servers that it still names keep their connections, unless all are to `reconnect`.
        """
        arm, old = self.arm, self._pools
        connections = arm.settings.connections if self.leg == "primary" else config.mirror.in_flight
        self.target = target_of(arm.name, arm.settings, config)
        self._servers = arm.servers
        self._pools = {}
        for server in arm.servers.all:
            pool = None if reconnect else old.pop(server, None)
            if pool is None:
                pool = Pool(server, connections, config.limits, arm.tls, self._refused)
            pool.follow(connections, arm.tls)
            self._pools[server] = pool
        self._retired = [pool for pool in self._retired if pool.open]
        for pool in old.values():
            pool.retire()
            self._retired.append(pool)

    def acquire(self, leg: Leg, now: float, server: Server | None = None) -> None:
        """Send the leg to a server, the best one or this one: now, or when there is a connection."""
        if server is None:
            server = self._servers.choose(now)
        server.outstanding += 1
        leg.since = now
        leg.pool = pool = self._pools[server]
        pool.acquire(leg)

    def ended(self, leg: Leg, operation: str, end: End, status: int | None, sent: float) -> None:
        """The leg has ended; `sent` is when its request was, 0 where it never was."""
        server, now = leg.pool.server, monotonic()
        server.outstanding -= 1
        if status is None or status >= 500 or end is _RESET:
            reason = blame(end, status)
            if reason is not None and end is not End.REFUSED:  # that was told as it happened
                self.arm.failed(server, reason, leg.since, now)
        elif server.failures:
            self.arm.answered(server, leg.since)
        self._meter.ended(operation, end, status, now - sent if sent else 0.0)

    async def close(self) -> None:
        """Close every connection; legs under way are not told."""
        for pool in (*self._pools.values(), *self._retired):
            await pool.close()

    def _refused(self, leg: Leg, problem: str, *, timed_out: bool, ours: bool) -> None:
        """No connection could be made for this leg to its server, nor to another where the fault is `ours`."""
        server, now = leg.pool.server, monotonic()
        if ours:
            self.arm.starved(now)
            leg.starved()
            return
        self.arm.failed(server, Reason.CONNECT, leg.since, now, problem)
        leg.tried = (*leg.tried, server)
        other = self._servers.another(leg.tried, now)
        if other is None:
            leg.refused(timed_out=timed_out)
        else:
            server.outstanding -= 1
            self.acquire(leg, now, other)
