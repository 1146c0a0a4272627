"""How reports and cases reach control. Raw text never travels here: a report holds none, a case is redacted."""

from __future__ import annotations

from typing import Protocol

from proxy.offer import Offer
from proxy.report import Message


class Channel(Protocol):
    """The gateway's side: hand a message over and go on."""

    async def start(self) -> None:
        """Begin to pass messages on. Does not wait for whoever takes them."""
        ...

    def publish(self, report: Message) -> bool:
        """Never blocks. False where it was dropped, which is counted where it told of a pair."""
        ...

    def offer(self, offer: Offer) -> bool:
        """Never blocks, and never at the cost of a report. False where it was dropped, which is counted."""
        ...

    async def stop(self) -> None:
        """Pass on what was published, as far as that can be done soon, then end."""
        ...
