"""What control looks at, with answers set by the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web
from aiohttp.test_utils import TestClient

from cases.pool import Pool

Client = TestClient[web.Request, web.Application]


class Connect(Protocol):
    """Starts an admin port that knows these tokens."""

    async def __call__(
        self, viewer: str | None = None, operator: str | None = None, pool: Pool | None = None
    ) -> Client:
        """A client for it, without any token."""
        ...


@dataclass
class FixedGateways:
    """What gateways have been told: the weight, and for how long it holds."""

    told: list[tuple[float, float | None]] = field(default_factory=list)

    def weigh(self, weight: float, valid: float | None) -> None:
        self.told.append((weight, valid))

    @property
    def weight(self) -> float:
        return self.told[-1][0]


@dataclass
class FixedLedger:
    """A ledger as control sees it."""

    counts: dict[str, int] = field(default_factory=lambda: {"paired": 3, "not_sampled": 2, "open": 1})
    total: int = 6

    def states(self) -> Mapping[str, int]:
        return self.counts


@dataclass
class FixedBaseline:
    """The readiness probe."""

    wrong: str | None = None

    async def problem(self) -> str | None:
        return self.wrong
