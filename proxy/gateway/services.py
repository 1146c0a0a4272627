"""What every connection of one gateway shares: pools, timeouts, budgets, counts. Holds no request."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from analyzers.pair import CapturedPair
from proxy.config import Config
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.lag import LagBreaker
from proxy.gateway.arms.watch import Watch
from proxy.gateway.canary import Canary
from proxy.gateway.capture import Budget
from proxy.gateway.lane import Lane
from proxy.gateway.ledger import Ledger
from proxy.gateway.routing import Router, salt_of
from proxy.gateway.timeouts import Timeouts
from proxy.telemetry import Telemetry
from proxy.tls import arm_tls

if TYPE_CHECKING:
    from proxy.gateway.client import Client
    from proxy.gateway.fallback import CanaryPrimary
    from proxy.gateway.mirror import MirrorLeg
    from proxy.gateway.primary import Primary
    from proxy.gateway.shadow import Shadow


class Scorer(Protocol):
    """Who takes the pairs. Called on the event loop; must return at once."""

    def has_room(self, size: int) -> bool:
        """Whether a pair that holds `size` bytes would be taken."""
        ...

    def refuse(self) -> None:
        """A pair for which there was no room was not built."""
        ...

    def submit(self, pair: CapturedPair, state: str) -> object:
        """Take a pair in ledger state `state`, one of `ledger.HAS_PAIR`."""
        ...


class Services:
    """Made by `Gateway.start`; `close` ends it."""

    def __init__(self, config: Config, telemetry: Telemetry, ledger: Ledger, scorer: Scorer) -> None:
        self.config = config
        self.ledger = ledger
        self.scorer = scorer
        self._salt = salt_of(config)
        self.router = Router(config, self._salt)
        self.added_latency = telemetry.added_latency
        self.draining = False
        self.tap = config.tap
        self.clients: set[Client] = set()
        self.shadows: set[Shadow] = set()
        self.on_idle: Callable[[], None] = lambda: None
        """Called when the last client or the last shadow is gone."""
        share, now = 1 / config.gateway.workers, monotonic()
        self._baseline = Arm("baseline", config.baseline, telemetry, share=share, now=now)
        self._candidate = Arm("candidate", config.candidate, telemetry, share=share, now=now)
        self._watches = (Watch(self._baseline), Watch(self._candidate))
        self.primary = Lane(self._baseline, "primary", config, telemetry)
        self.candidate = Lane(self._candidate, "primary", config, telemetry)
        self.canary = Canary(self._candidate, config.canary.breaker, telemetry)
        self.mirrors = {
            "baseline": Lane(self._candidate, "mirror", config, telemetry),
            "candidate": Lane(self._baseline, "mirror", config, telemetry),
        }
        """Where the mirror goes, by the arm that answers the client."""
        self.repeat = Lane(self._baseline, "repeat", config, telemetry)
        self._lanes = (self.primary, self.candidate, *self.mirrors.values(), self.repeat)
        self.mirrors_in_flight = 0
        self.lag = LagBreaker(config.gateway.shed_lag)
        self.held = Budget(config.mirror.in_flight_bytes)
        self.bodies = Budget(config.limits.held_bytes)
        """Request bodies held until they are whole, and until an answer to them begins."""
        limits = config.limits
        self.starts: Timeouts[Shadow] = Timeouts(config.mirror.start_after, lambda shadow: shadow.start_due())
        self.deadlines: Timeouts[Primary | MirrorLeg] = Timeouts(
            config.mirror.deadline, lambda leg: leg.deadline_passed()
        )
        self.silences: Timeouts[CanaryPrimary] = Timeouts(config.canary.silence, lambda leg: leg.silent())
        self.heads: Timeouts[Client] = Timeouts(limits.head_timeout, lambda client: client.head_overdue())
        self.holds: Timeouts[Client] = Timeouts(limits.body_timeout, lambda client: client.held_too_long())
        self.idles: Timeouts[Client] = Timeouts(limits.idle_timeout, lambda client: client.idle_too_long())
        self.lingers: Timeouts[Client] = Timeouts(1.0, lambda client: client.lingered())
        self._pair_prefix = os.urandom(6).hex()
        self._pair_number = count(1)

    def start(self) -> None:
        """Begin to ask the servers how they are."""
        for watch in self._watches:
            watch.start()

    def reload(self, config: Config) -> None:
        """Follow another configuration in all that begins from now on.

        What is under way ends as it began. Whatever stands in `proxy.processes.reload.RESTART` must be as it was.

        Raises:
            TlsError: An arm's files cannot be used; nothing has changed.
        """
        now, settings = monotonic(), {self._baseline: config.baseline, self._candidate: config.candidate}
        contexts = {arm: arm_tls(each) for arm, each in settings.items()}
        reconnect = {arm: each.tls != arm.settings.tls for arm, each in settings.items()}
        for arm, each in settings.items():
            arm.follow(each, contexts[arm], now)
        for lane in self._lanes:
            lane.follow(config, reconnect=reconnect[lane.arm])
        for watch in self._watches:
            watch.restart()
        router = Router(config, self._salt)
        if config.canary.weight == self.config.canary.weight:
            router.set_weight(self.router.weight)  # it may have been set to another since
        self.config, self.router, self.tap = config, router, config.tap
        self.canary.follow(config.canary.breaker)
        self.lag.limit = config.gateway.shed_lag
        self.held.limit = config.mirror.in_flight_bytes
        self.starts.change(config.mirror.start_after)
        self.deadlines.change(config.mirror.deadline)
        self.silences.change(config.canary.silence)

    def next_pair_id(self) -> str:
        """A name for a pair, unique across processes."""
        return f"{self._pair_prefix}-{next(self._pair_number)}"

    async def close(self) -> None:
        """Close every pool and timer."""
        for watch in self._watches:
            await watch.close()
        for timeouts in (
            self.starts,
            self.deadlines,
            self.silences,
            self.heads,
            self.holds,
            self.idles,
            self.lingers,
        ):
            timeouts.close()
        for lane in self._lanes:
            await lane.close()
