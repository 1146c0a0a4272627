"""Which requests the candidate answers, and which of those it fails go to the baseline. Pure but for its metrics.

A client gets the candidate's answer only where that is one. Before its first byte has gone on, the baseline answers
in its place on:

- no connection, or one that broke;
- a 5xx or a 429;
- silence: a stream of which nothing has come after `canary.silence`, or a head alone, which servers send before a
  model has said anything; an answer in one piece that is not there at the deadline of all answers. The first is
  about the first token, which such an answer does not show;
- any other 4xx. It may be the request's own fault, and then the baseline says the same at no cost to speak of; or
  the candidate lacks the model, or the client's key, or room for the prompt, of which no client should know.

All but the last are failures: they fill the breaker, and each fallback is taken from a budget, since a baseline
that gets all of a dying candidate's requests for a second time may die of them.
"""

from __future__ import annotations

from enum import StrEnum

import structlog

from analyzers.pair import End
from proxy import config
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.breaker import Breaker, Fallbacks
from proxy.gateway.pairing import rejected
from proxy.telemetry import Telemetry

_log = structlog.get_logger(__name__)


class Cause(StrEnum):
    """Why the baseline answered in the candidate's place."""

    REFUSED = "refused"
    RESET = "reset"
    STATUS = "status"
    REJECTED = "rejected"
    SILENCE = "silence"


def cause_of(status: int | None, end: End | None) -> Cause | None:
    """Why an arrival is no answer, before anything of it has gone on; None where it may be one."""
    if end is End.RESET:
        return Cause.RESET
    if rejected(status):
        return Cause.REJECTED
    if status is not None and (status >= 500 or status == 429):
        return Cause.STATUS
    return None


class Canary:
    """`arm` is the candidate. `now` and `since` are seconds of one clock."""

    def __init__(self, arm: Arm, limits: config.CanaryBreaker, telemetry: Telemetry) -> None:
        self._arm = arm
        self._breaker = Breaker(limits)
        self._fallbacks = Fallbacks()
        self._open = telemetry.breaker_open.labels()
        self._counts = {cause: telemetry.fallbacks.labels(cause) for cause in Cause}

    def follow(self, limits: config.CanaryBreaker) -> None:
        """Go by other limits from now on."""
        self._breaker.limits = limits

    def takes(self, now: float) -> bool:
        """Whether a request of a session in the candidate's share may go there.

        One may that is a server's trial after an ejection: where no mirror reaches the arm, no other ever is.
        """
        servers = self._arm.servers
        if not (servers.usable or servers.tries(now)) or not self._breaker.lets(now):
            return False
        self._fallbacks.earn()
        return True

    def answered(self, since: float) -> None:
        """The candidate answered a request that was sent at `since`."""
        if self._breaker.answered(since):
            self._open.set(0.0)
            _log.info("the candidate answers again, and gets its share of sessions back")

    def failed(self, since: float, now: float) -> None:
        """The candidate failed a request that was sent at `since`."""
        if self._breaker.failed(since, now):
            self._open.set(1.0)
            _log.warning("the candidate fails, so the baseline answers its sessions")

    def may_fall_back(self, cause: Cause) -> bool:
        """Whether the baseline answers instead; if so it is counted."""
        if cause is not Cause.REJECTED and not self._fallbacks.take():
            return False
        self._counts[cause].inc()
        return True
