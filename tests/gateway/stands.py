"""A started gateway for a test, and what came out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from analyzers.pair import CapturedPair
from proxy.config import Config
from proxy.gateway import Gateway, Ledger
from proxy.report import Unmeasured
from proxy.telemetry import Telemetry


class Stand:
    """A started gateway and what came out of it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.telemetry = Telemetry()
        self.ledger = Ledger(self.telemetry)
        self.pairs: list[tuple[CapturedPair, str]] = []
        self.left: list[Unmeasured] = []
        self.gateway = Gateway(config, self.telemetry, self.ledger, self)

    def has_room(self) -> bool:
        return True

    def leave(self, about: Unmeasured) -> None:
        self.left.append(about)
        self.gateway.arrivals.leave(about.arrival)

    def refuse(self, about: Unmeasured) -> None:
        raise AssertionError("there was room")

    def submit(self, pair: CapturedPair, state: str) -> None:
        self.pairs.append((pair, state))

    @property
    def port(self) -> int:
        return self.gateway.address.port

    def balanced(self) -> bool:
        return sum(self.ledger.states().values()) == self.ledger.total

    def refused(self) -> dict[str, int]:
        """How many errors of the gateway's own there were, by why."""
        return {reason: int(n) for (reason,), (n,) in self.telemetry.refused.totals().items() if n}

    def pass_deadline(self) -> None:
        """Have the time of every leg that is unfinished be over, however long or short the test took so far."""
        mirror = self.config.mirror.model_copy(update={"deadline": 0.001})
        self.gateway.reload(self.config.model_copy(update={"mirror": mirror}))

    async def settled(self) -> dict[str, int]:
        """The ledger's states that are not zero, once nothing is open."""
        while self.ledger.states()["open"]:
            assert self.balanced()
            await asyncio.sleep(0.005)
        assert self.balanced()
        return {state: n for state, n in self.ledger.states().items() if n}


def arm(given: str | dict[str, Any]) -> dict[str, Any]:
    """An arm whose servers are asked nothing and whose legs cost nothing, but for what is given."""
    section = {"url": given} if isinstance(given, str) else given
    return {"health": {"every": 0.0}, "extra": {"tokens_per_second": None, "every": 0.0}, **section}


def configured(baseline: str | dict[str, Any], candidate: str | dict[str, Any], **settings: Any) -> Config:
    """Two arms, each a URL or its whole section: everything is mirrored and nothing shed, unless told otherwise."""
    return Config.model_validate(
        {
            "listen": "127.0.0.1:0",
            "baseline": arm(baseline),
            "candidate": arm(candidate),
            "gateway": {"shed_lag": 60.0},
            "models": {"m": {}},
            **settings,
            "mirror": {"sample": 1.0, "repeat": 0.0, **settings.get("mirror", {})},
            "limits": {"drain": 5.0, **settings.get("limits", {})},
        }
    )


@asynccontextmanager
async def standing(
    baseline: str | dict[str, Any], candidate: str | dict[str, Any], weight: float = 0.0, **settings: Any
) -> AsyncIterator[Stand]:
    """A gateway that is `configured` like this, until the block is left; the candidate answers `weight` of it."""
    made = Stand(configured(baseline, candidate, **settings))
    made.gateway.set_candidate_weight(weight)
    await made.gateway.start()
    try:
        yield made
    finally:
        await made.gateway.stop()
    assert made.balanced()
    assert made.ledger.states()["open"] == 0
    services = made.gateway._services
    assert (services.bodies.used, services.held.used, services.mirrors_in_flight) == (0, 0, 0)


Stands = Callable[..., AbstractAsyncContextManager[Stand]]
