"""What was found out of one server. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson


@dataclass(frozen=True)
class Unseen:
    """Something that could not be found out, and why."""

    why: str


Fact = Mapping[str, str | Unseen]
"""What one check found of one server: each aspect in a form that can be compared and shown."""


@dataclass(frozen=True)
class Answer:
    """What a server said to one request; `status` 0 where it said nothing, and `body` is why."""

    status: int
    body: bytes

    def json(self) -> object:
        """Its body as JSON; None where it is none."""
        try:
            return orjson.loads(self.body)
        except ValueError:
            return None

    def unseen(self) -> Unseen:
        """Why nothing can be learned from it."""
        if not self.status:
            return Unseen(self.body.decode())
        return Unseen(f"it answers {self.status}" if self.status >= 300 else "its answer cannot be read")


@dataclass(frozen=True)
class Reading:
    """All that was found out of one server of an arm."""

    arm: str
    url: str
    facts: Mapping[str, Fact]
    """By check."""
