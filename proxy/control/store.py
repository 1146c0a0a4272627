"""What control keeps over a restart, behind one interface.

Everything that changes together is committed together: the stage, the evidence it rests on, and the sessions that
have given that evidence. So no stage is ever ahead of its evidence, and no session counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol


class StoreError(Exception):
    """Nothing was written, or nothing could be read; the text says why."""


class Entry(NamedTuple):
    """One line of the audit log."""

    at: str
    """ISO 8601, UTC."""
    action: str
    by: str
    reason: str
    before: str
    stage: str
    weight: float
    revision: str
    evidence: Sequence[Mapping[str, Any]]
    """Every guardrail's judgement at that moment."""


class Logged(NamedTuple):
    """An entry, with its number in the log."""

    id: int
    entry: Entry

    def row(self) -> dict[str, Any]:
        """As `GET /audit` shows it, and as triggers are told of it."""
        return {"id": self.id, **self.entry._asdict()}


@dataclass(slots=True)
class Batch:
    """What one transaction makes durable."""

    state: dict[str, bytes] = field(default_factory=dict)
    """Named values that replace those of the same names."""
    seen: dict[str, bytes] = field(default_factory=dict)
    """Session keys that are new or have changed, with what is remembered of each; empty where it is forgotten."""
    forget: bool = False
    """Whether all session keys so far are forgotten first, since new evidence begins."""
    audit: list[Entry] = field(default_factory=list)

    def add(self, later: Batch) -> None:
        """Take in what came after this could not be written."""
        if later.forget:
            self.seen.clear()
            self.forget = True
        self.state |= later.state
        self.seen |= later.seen
        self.audit += later.audit

    def bound(self, most: int) -> None:
        """Forget the oldest beyond `most` session keys and entries."""
        for key in list(self.seen)[: max(0, len(self.seen) - most)]:
            del self.seen[key]
        del self.audit[: max(0, len(self.audit) - most)]


class Store(Protocol):
    """Blocks: call it from a thread, one call at a time. Every method raises StoreError."""

    def state(self) -> dict[str, bytes]:
        """Every named value."""
        ...

    def seen(self) -> dict[str, bytes]:
        """Every session key, in the order in which they came."""
        ...

    def commit(self, batch: Batch) -> None:
        """Make it durable, all of it or nothing."""
        ...

    def audit(self, *, after: int = 0, limit: int = 100) -> list[Logged]:
        """Entries beyond number `after`, the oldest first."""
        ...

    def latest(self, *, before: int | None = None, limit: int = 100) -> list[Logged]:
        """The last entries, or the last ahead of number `before`, the newest first."""
        ...

    def close(self) -> None:
        """Give up the file."""
        ...
