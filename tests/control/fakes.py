"""What control looks at, with answers set by the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestClient

Client = TestClient[web.Request, web.Application]


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
