"""What every connection of one gateway shares: pools, timeouts, budgets, counts. Holds no request."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from analyzers.pair import CapturedPair
from proxy.config import Config
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.lag import LagBreaker
from proxy.gateway.arms.watch import Watch
from proxy.gateway.arrivals import Arrivals
from proxy.gateway.canary import Canary
from proxy.gateway.capture import Budget
from proxy.gateway.errors import REASONS
from proxy.gateway.fields import finder
from proxy.gateway.golds import Golds
from proxy.gateway.identity import Identity
from proxy.gateway.lane import Lane
from proxy.gateway.ledger import Ledger
from proxy.gateway.routing import Route, Router, salt_of
from proxy.gateway.storing import Storing
from proxy.gateway.timeouts import Timeouts
from proxy.report import Unmeasured
from proxy.telemetry import Telemetry
from proxy.tls import arm_tls
from verdict.segments import Segmenter

if TYPE_CHECKING:
    from proxy.gateway.client import Client
    from proxy.gateway.fallback import CanaryPrimary
    from proxy.gateway.mirror import MirrorLeg
    from proxy.gateway.primary import Primary
    from proxy.gateway.request import Request
    from proxy.gateway.shadow import Shadow
    from proxy.tracing.tracer import Tracer


class Scorer(Protocol):
    """Who takes the pairs. Called on the event loop; must return at once."""

    def has_room(self) -> bool:
        """Whether a pair would be taken, however large it is: which pairs are must not hang on their answers."""
        ...

    def refuse(self, about: Unmeasured) -> None:
        """A pair for which there was no room was not built."""
        ...

    def leave(self, about: Unmeasured) -> None:
        """A sampled request was asked of one arm alone."""
        ...

    def submit(self, pair: CapturedPair, state: str) -> object:
        """Take a pair in ledger state `state`, of which one report will tell.

        It has both answers where `state` is one of `ledger.HAS_PAIR`; else the request was sent to both arms and
        what came of it is not known.
        """
        ...


class Services:
    """Made by `Gateway.start`; `close` ends it."""

    def __init__(
        self, config: Config, telemetry: Telemetry, ledger: Ledger, scorer: Scorer, salt: bytes | None = None
    ) -> None:
        self.config = config
        self.ledger = ledger
        self.arrivals = Arrivals()
        self.scorer = scorer
        self.tracer: Tracer | None = None
        """What traces mirrored requests, where that is switched on."""
        self._salt = salt or salt_of(config)
        self.router = Router(config, self._salt)
        self.storing = Storing(config.cases, self._salt)
        self.identity = Identity(config.clients, self._salt)
        self.golds = Golds(config.analysis, telemetry)
        self.segmenter = Segmenter(config.segments.attributes, config.segments.headers)
        self._headers = {name.lower(): finder(re.escape(name.lower())) for name in config.segments.headers}
        self.added_latency = telemetry.added_latency.labels()
        self.refused = {reason: telemetry.refused.labels(reason) for reason in REASONS}
        self.draining = False
        self.tap = config.tap
        self.clients: set[Client] = set()
        self.shadows: set[Shadow] = set()
        self.on_idle: Callable[[], None] = lambda: None
        """Called when the last client or the last shadow is gone."""
        share, now = 1 / config.gateway.workers, monotonic()
        self._baseline = Arm("baseline", config.baseline, telemetry, share=share, now=now)
        self._candidate = Arm("candidate", config.candidate, telemetry, share=share, now=now)
        self.arms = {arm.name: arm for arm in (self._baseline, self._candidate)}
        self._watches = (Watch(self._baseline), Watch(self._candidate))
        self.primary = Lane(self._baseline, "primary", config, telemetry)
        self.streaming = Lane(self._baseline, "primary", config, telemetry)
        """For bodies passed on as they come: clients that hold them back keep its connections, no others."""
        self.candidate = Lane(self._candidate, "primary", config, telemetry)
        self.canary = Canary(self._candidate, config.canary.breaker, telemetry)
        self.mirrors = {
            "baseline": Lane(self._candidate, "mirror", config, telemetry),
            "candidate": Lane(self._baseline, "mirror", config, telemetry),
        }
        """Where the mirror goes, by the arm that answers the client."""
        self.repeat = Lane(self._baseline, "repeat", config, telemetry)
        self._lanes = (self.primary, self.streaming, self.candidate, *self.mirrors.values(), self.repeat)
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
        self.crammed: Timeouts[Client] = Timeouts(1.0, lambda client: client.crammed_too_long())

    @property
    def baseline_usable(self) -> bool:
        """Whether any server of the baseline is neither ejected nor down."""
        return self._baseline.servers.usable

    def segments_of(self, request: Request, route: Route, size: int) -> tuple[str, ...]:
        """What kind of request it is whose body of `size` bytes says what `route` does."""

        def header(name: str) -> str | None:
            found = self._headers[name].search(request.forward)
            return None if found is None else found[2].decode("latin-1").strip()

        return self.segmenter.of(route.model, route.body, size, header)

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
        self.router = Router(config, self._salt, self.router.weight)
        self.storing = Storing(config.cases, self._salt)
        self.config, self.tap = config, config.tap
        self.canary.follow(config.canary.breaker)
        self.lag.limit = config.gateway.shed_lag
        self.held.limit = config.mirror.in_flight_bytes
        self.starts.change(config.mirror.start_after)
        self.deadlines.change(config.mirror.deadline)
        self.silences.change(config.canary.silence)

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
            self.crammed,
        ):
            timeouts.close()
        for lane in self._lanes:
            await lane.close()
