"""How many gateway processes clients can count on."""

from __future__ import annotations

from typing import NamedTuple


class Gateways(NamedTuple):
    """How many gateway processes accept requests, of how many there should be."""

    accepting: int
    wanted: int
    draining: bool = False

    def left(self) -> Gateways:
        """The same once they drain: what a process still accepts then, nobody should count on."""
        return Gateways(0, self.wanted, draining=True)

    @property
    def problem(self) -> str | None:
        """What keeps clients from being answered; one process that accepts will do."""
        if self.draining:
            return "the gateway is draining"
        return None if self.accepting else "no gateway process accepts requests"
