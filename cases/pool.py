"""The pool of kept cases, as everything above sees it. `proxy.cases` has the one in SQLite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from cases.case import Case, Label
from cases.filter import Filter


class PoolError(Exception):
    """Nothing was written, or nothing could be read; the text says why, and holds no words of a case."""


class Kept(StrEnum):
    """What became of a case that was offered."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    """It is much like a kept one, on which it was counted."""
    OUTRANKED = "outranked"
    """No stratum had room for its rank."""
    ERASED = "erased"
    """Its client's cases were erased after it had been asked."""
    KNOWN = "known"
    """It was there already, or had been erased or outranked within the same offer."""


class Held(NamedTuple):
    """One stratum of the pool."""

    cases: int
    """Cases in it, near-duplicates apart."""
    members: int
    """Pairs in it, near-duplicates included."""
    pairs: float
    """Estimate of the pairs in the traffic that belong to it, from the inclusion probabilities."""
    floor: float
    """What a pair's rank must exceed to come in."""


class Rate(NamedTuple):
    """One variable's failures, estimated from the uniform stratum alone."""

    pairs: float
    """Estimate of the pairs it applied to."""
    baseline: float
    candidate: float
    """Shares of those that failed."""


class Precision(NamedTuple):
    """What reviewers say of one analyzer's findings."""

    right: int
    """Cases in which what it found is there (slip, both_bad)."""
    wrong: int
    """Cases in which it is not (analyzer_wrong), or does not matter (noise)."""

    @property
    def ratio(self) -> float | None:
        """The share that is right; None where nobody has judged."""
        judged = self.right + self.wrong
        return self.right / judged if judged else None


@dataclass(frozen=True, slots=True)
class Stats:
    """What is in the pool."""

    cases: int = 0
    bytes: int = 0
    """Of the cases as they are stored."""
    duplicates: int = 0
    """Near-duplicates counted on kept cases."""
    oldest: str | None = None
    newest: str | None = None
    """When the first and the last kept case were made: ISO 8601, UTC."""
    strata: Mapping[str, Held] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """By variable."""
    precision: Mapping[str, Precision] = field(default_factory=dict)
    """By analyzer."""


class Access(NamedTuple):
    """Somebody saw texts, or changed something: one line of the access log."""

    at: str
    """ISO 8601, UTC."""
    by: str
    """The role of the token that opened the admin port, or the user who ran a command."""
    action: str
    """`read`, `label`, `erase`, `export` or `import`."""
    what: str
    """Of which cases; holds no words of theirs."""


class Pool(Protocol):
    """Blocks: call it from a thread. Every method raises PoolError."""

    def add(self, case: Case) -> Kept:
        """Offer a redacted case. Its rank decides whether it comes in, and what leaves for it."""
        ...

    def find(self, filter: Filter) -> list[Case]:  # noqa: A002 - it is one
        """The cases that are wanted, in its order, at most as many as it says."""
        ...

    def get(self, pair_id: str) -> Case | None:
        """One case; None where it is not, or no longer, kept."""
        ...

    def label(self, pair_id: str, label: Label) -> Case | None:
        """Note what a reviewer says; the case with it, or None where it is not kept."""
        ...

    def erase(self, subject: str, by: str, at: str) -> int:
        """Delete every case of a client by the keyed hash of its identity, and note who did; how many there were.

        What it had asked by then, and is still on its way or comes by an import, does not come in any more.
        """
        ...

    def stats(self) -> Stats:
        """What is in it now."""
        ...

    def note(self, access: Access) -> None:
        """Write down who sees or changes what. Where this fails, it must not be shown."""
        ...

    def accesses(self, *, before: int | None = None, limit: int = 100) -> list[tuple[int, Access]]:
        """The last entries of the access log, or the last ahead of number `before`, the newest first."""
        ...

    def floors(self) -> Mapping[str, float]:
        """By stratum, what a rank must exceed to come in; 0 where a stratum is not named."""
        ...
