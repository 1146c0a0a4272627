"""The account of what became of every eligible request: each one ends in exactly one state.

At every moment `total == open + sum of all states`: `open` is what has begun and not ended, so that no half-done
count of another process, nor one cut short by its death, can unbalance it. A request is eligible once the gateway
has read that it is a POST to a mirrored path for a configured model and needs nothing that only one arm can hold;
see `routing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from proxy.counters import Block
from proxy.report import PAIRED
from proxy.telemetry import Telemetry


class State(StrEnum):
    """What became of one eligible request."""

    NOT_SAMPLED = "not_sampled"
    PAIRED = "paired"
    UNSERVED_BASELINE = "unserved_baseline"
    UNSERVED_CANDIDATE = "unserved_candidate"
    UNSERVED_BOTH = "unserved_both"
    CLIENT_ABORT = "client_abort"
    """The client left before its answer was complete."""
    TRUNCATED = "truncated"
    """An answer outgrew what may be captured."""
    DROPPED_REJECTED = "dropped_rejected"
    """The baseline answered 4xx other than 429: the request's own fault."""
    DROPPED_MIRROR_BUSY = "dropped_mirror_busy"
    """Too many mirror requests in flight."""
    DROPPED_MIRROR_BYTES = "dropped_mirror_bytes"
    """Too many bytes held, of requests or for mirroring."""
    DROPPED_REQUEST_BYTES = "dropped_request_bytes"
    """The request was too large to be held, or too deep or intricate to be read; sampled or not."""
    DROPPED_REQUEST_TIME = "dropped_request_time"
    """The request's body took too long to arrive to be held; sampled or not."""
    DROPPED_LAG = "dropped_lag"
    """The event loop was late, so mirrors were shed first."""
    DROPPED_BUDGET = "dropped_budget"
    """The arm's budget of extra tokens was spent."""
    DROPPED_PRESSURE = "dropped_pressure"
    """The arm's own metrics said that it is under pressure."""
    DROPPED_DESCRIPTORS = "dropped_descriptors"
    """The gateway had no file descriptor left for a connection to a server."""
    DROPPED_FAULT = "dropped_fault"
    """A fault of the gateway's own, which the log names; should never be seen."""
    DROPPED_SHUTDOWN = "dropped_shutdown"
    """The gateway stopped first."""
    LOST_WITH_PROCESS = "lost_with_process"
    """The gateway process died with the request open."""


HAS_PAIR = frozenset(map(State, PAIRED))
"""The states whose pair is worth scoring."""

ARMS = ("baseline", "candidate")


class Ledger:
    """Counts eligible requests by state, per primary arm ("baseline" or "candidate").

    What is read covers every process whose blocks `telemetry` has; what is counted is this process's.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._slots = telemetry.blocks[0].slots
        self._began = {arm: telemetry.eligible.labels(arm).slot for arm in ARMS}
        self._ended = {arm: {state: telemetry.ledger.labels(state, arm).slot for state in State} for arm in ARMS}
        self._open = dict.fromkeys(ARMS, 0)

    def open(self, primary: str) -> None:
        """An eligible request has begun; `close` must follow exactly once."""
        self._slots[self._began[primary]] += 1.0
        self._open[primary] += 1

    def close(self, primary: str, state: State) -> None:
        """An open request ends in `state`.

        Raises:
            RuntimeError: No request of this primary is open in this process, so something was counted twice.
        """
        if not self._open[primary]:
            raise RuntimeError(f"no request of {primary} is open in the ledger")
        self._open[primary] -= 1
        self._slots[self._ended[primary][state]] += 1.0

    def lose(self, block: Block) -> int:
        """Count as lost what a process that has died left open, before its `block` is retired. Returns how many."""
        left = {arm: count for (arm,), (count,) in self._telemetry.eligible.of(block)}
        for (_, arm), (count,) in self._telemetry.ledger.of(block):
            left[arm] -= count
        for arm, count in left.items():
            self._slots[self._ended[arm][State.LOST_WITH_PROCESS]] += count
        return int(sum(left.values()))

    @property
    def total(self) -> int:
        """All eligible requests so far, open ones included; counted apart from the states."""
        return int(sum(count for (count,) in self._telemetry.eligible.totals().values()))

    def states(self, primary: str | None = None) -> Mapping[str, int]:
        """Requests by state, for one primary or over both; every state is there, and `open` for those without one.

        The values sum to `total` (for both primaries) at every moment.
        """
        # What ended is read before what began, so that a request counted meanwhile shows as open, never as -1.
        ended, began = self._telemetry.ledger.totals(), self._telemetry.eligible.totals()
        arms = ARMS if primary is None else (primary,)
        states = {state.value: int(sum(ended[state, arm][0] for arm in arms)) for state in State}
        return {**states, "open": int(sum(began[arm,][0] for arm in arms)) - sum(states.values())}
