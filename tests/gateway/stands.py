"""A started gateway for a test, and what came out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from analyzers.pair import CapturedPair
from proxy.config import Config
from proxy.gateway import Gateway, Ledger
from proxy.telemetry import Telemetry


class Stand:
    """A started gateway and what came out of it."""

    def __init__(self, config: Config) -> None:
        self.telemetry = Telemetry()
        self.ledger = Ledger(self.telemetry)
        self.pairs: list[tuple[CapturedPair, str]] = []
        self.gateway = Gateway(config, self.telemetry, self.ledger, self)

    def has_room(self, size: int) -> bool:
        return size >= 0

    def refuse(self) -> None:
        raise AssertionError("there was room")

    def submit(self, pair: CapturedPair, state: str) -> None:
        self.pairs.append((pair, state))

    @property
    def port(self) -> int:
        return self.gateway.address.port

    def balanced(self) -> bool:
        return sum(self.ledger.states().values()) == self.ledger.total

    async def settled(self) -> dict[str, int]:
        """The ledger's states that are not zero, once nothing is open."""
        while self.ledger.states()["open"]:
            assert self.balanced()
            await asyncio.sleep(0.005)
        assert self.balanced()
        return {state: n for state, n in self.ledger.states().items() if n}


Stands = Callable[..., AbstractAsyncContextManager[Stand]]
