"""What every connection of one gateway shares: pools, timeouts, budgets, counts. Holds no request."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Protocol

from analyzers.pair import CapturedPair
from proxy.config import Config
from proxy.gateway.capture import Budget
from proxy.gateway.ledger import Ledger
from proxy.gateway.meter import LegMeter
from proxy.gateway.outgoing import Target, target_of
from proxy.gateway.pool import Pool
from proxy.gateway.routing import Router, salt_of
from proxy.gateway.timeouts import Timeouts
from proxy.telemetry import Telemetry

if TYPE_CHECKING:
    from proxy.gateway.client import Client
    from proxy.gateway.primary import Primary
    from proxy.gateway.shadow import MirrorLeg, Shadow


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


class Lane:
    """One kind of leg to one arm: where it goes, over which pool, and how it is counted."""

    def __init__(self, target: Target, pool: Pool, meter: LegMeter) -> None:
        self.target = target
        self.pool = pool
        self.meter = meter


class Services:
    """Made by `Gateway.start`; `close` ends it."""

    def __init__(self, config: Config, telemetry: Telemetry, ledger: Ledger, scorer: Scorer) -> None:
        self.config = config
        self.ledger = ledger
        self.scorer = scorer
        self.router = Router(config, salt_of(config))
        self.added_latency = telemetry.added_latency
        self.draining = False
        self.clients: set[Client] = set()
        self.shadows: set[Shadow] = set()
        self.on_idle: Callable[[], None] = lambda: None
        """Called when the last client or the last shadow is gone."""
        baseline = target_of("baseline", config.baseline, config)
        candidate = target_of("candidate", config.candidate, config)
        self.primary = self._lane(baseline, config.baseline.connections, telemetry, "primary")
        self.mirror = self._lane(candidate, config.mirror.in_flight, telemetry, "mirror")
        self.repeat = self._lane(baseline, config.mirror.in_flight, telemetry, "repeat")
        self.mirrors_in_flight = 0
        self.held = Budget(config.mirror.in_flight_bytes)
        limits = config.limits
        self.starts: Timeouts[Shadow] = Timeouts(config.mirror.start_after, lambda shadow: shadow.start_due())
        self.deadlines: Timeouts[Primary | MirrorLeg] = Timeouts(
            config.mirror.deadline, lambda leg: leg.deadline_passed()
        )
        self.heads: Timeouts[Client] = Timeouts(limits.head_timeout, lambda client: client.head_overdue())
        self.idles: Timeouts[Client] = Timeouts(limits.idle_timeout, lambda client: client.idle_too_long())
        self.lingers: Timeouts[Client] = Timeouts(1.0, lambda client: client.lingered())
        self._pair_prefix = os.urandom(6).hex()
        self._pair_number = count(1)

    def _lane(self, target: Target, connections: int, telemetry: Telemetry, leg: str) -> Lane:
        pool = Pool(target, connections, self.config.limits)
        return Lane(target, pool, LegMeter(telemetry, target.name, leg))

    def next_pair_id(self) -> str:
        """A name for a pair, unique across processes."""
        return f"{self._pair_prefix}-{next(self._pair_number)}"

    async def close(self) -> None:
        """Close every pool and timer."""
        for timeouts in (self.starts, self.deadlines, self.heads, self.idles, self.lingers):
            timeouts.close()
        for lane in (self.primary, self.mirror, self.repeat):
            await lane.pool.close()
