"""How reports reach control. Raw text never travels here: a `Report` holds none."""

from __future__ import annotations

from typing import Protocol

from proxy.report import Report


class Channel(Protocol):
    """The gateway's side: hand a report over and go on."""

    def publish(self, report: Report) -> bool:
        """Never blocks. False where the report was dropped, which is counted."""
        ...
