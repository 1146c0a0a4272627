"""What becomes of one sampled request: events of its legs in, at most one decision out. Pure.

The mirror starts when the primary's status arrives or after a short wait, whichever is first. A request that the
baseline answers with a 4xx other than 429 is dropped, since that is the request's own fault: at once where the
baseline is primary, when the mirror ends where the candidate is, so that the same requests are measured either way.
A 5xx, a reset or silence is mirrored like an answer: leaving those pairs out would make equal arms look unequal.
"""

from __future__ import annotations

from enum import Enum, auto

from analyzers.pair import End
from proxy.gateway.ledger import State


class Do(Enum):
    """What the caller does next."""

    NOTHING = auto()
    START_MIRROR = auto()
    FINISH = auto()
    """The request's `state` is known: abort what is still running, close the ledger, hand over the pair."""


def rejected(status: int | None) -> bool:
    """Whether an arm said that the request is at fault."""
    return status is not None and 400 <= status < 500 and status != 429


def served(end: End, status: int | None) -> bool:
    """Whether an arm gave an answer: complete, and neither 5xx nor 429."""
    return end == End.COMPLETE and status is not None and status < 500 and status != 429


class Pairing:
    """One sampled request. `primary` is the arm that answers the client; `repeat` whether one was drawn."""

    __slots__ = ("_mirror", "_mirror_started", "_primary", "_primary_arm", "_repeat_open", "state")

    def __init__(self, primary: str, *, repeat: bool) -> None:
        self.state: State | None = None
        self._primary_arm = primary
        self._primary: bool | None = None
        self._mirror: bool | None = None
        self._mirror_started = False
        self._repeat_open = repeat

    def primary_status(self, status: int) -> Do:
        """The primary's status line arrived."""
        undecided = self.state is None and self._primary is None
        if status >= 400 and undecided and self._primary_arm == "baseline" and rejected(status):
            return self._finish(State.DROPPED_REJECTED)
        return self.start_due()

    def start_due(self) -> Do:
        """The primary has been silent for as long as the mirror waits."""
        if self.state is not None or self._mirror_started:
            return Do.NOTHING
        self._mirror_started = True
        return Do.START_MIRROR

    def primary_ended(self, end: End, status: int | None) -> Do:
        """The primary's answer ended, or its time for scoring did; the first end stands."""
        if self.state is not None or self._primary is not None:
            return Do.NOTHING
        if end == End.TOO_LARGE:
            return self._finish(State.TRUNCATED)
        self._primary = served(end, status)
        return self._settle() if self._mirror_started else self.start_due()

    def mirror_ended(self, end: End, status: int | None) -> Do:
        """The mirror's answer ended."""
        if self.state is not None or self._mirror is not None:
            return Do.NOTHING
        if end == End.TOO_LARGE:
            return self._finish(State.TRUNCATED)
        if self._primary_arm == "candidate" and end == End.COMPLETE and rejected(status):
            return self._finish(State.DROPPED_REJECTED)
        self._mirror = served(end, status)
        return self._settle()

    def fell_back(self) -> None:
        """The candidate failed as primary, and the baseline answers the client.

        The baseline is primary from now on, and what has become or becomes of the candidate is the mirror's end.
        """
        self._primary_arm = "baseline"
        self._mirror_started = True
        self._primary = self._mirror = None

    def repeat_ended(self) -> Do:
        """The repeat ended, however it did, or was not made for want of room."""
        self._repeat_open = False
        return self._settle()

    def drop(self, state: State) -> Do:
        """Give the pair up: no room, the client left, or the gateway stops."""
        return Do.NOTHING if self.state is not None else self._finish(state)

    def _settle(self) -> Do:
        if self.state is not None or self._primary is None or self._mirror is None or self._repeat_open:
            return Do.NOTHING
        if self._primary and self._mirror:
            return self._finish(State.PAIRED)
        if not self._primary and not self._mirror:
            return self._finish(State.UNSERVED_BOTH)
        baseline_served = self._primary if self._primary_arm == "baseline" else self._mirror
        return self._finish(State.UNSERVED_CANDIDATE if baseline_served else State.UNSERVED_BASELINE)

    def _finish(self, state: State) -> Do:
        self.state = state
        return Do.FINISH
