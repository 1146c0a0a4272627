"""Legs that no client waits for: recorded, bounded, and told to the `Shadow` that they belong to."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from analyzers.pair import End
from proxy.gateway.arms.budget import spent_tokens
from proxy.gateway.capture import Recorder
from proxy.gateway.lane import Lane
from proxy.gateway.leg import Leg
from proxy.gateway.outgoing import mirror_head
from proxy.gateway.request import Request
from proxy.gateway.response import ResponseHead
from proxy.gateway.upstream import Upstream

if TYPE_CHECKING:
    from proxy.gateway.shadow import Shadow

SLICE = 32 * 1024
"""Bytes in one arrival after which others are served first."""


class MirrorLeg(Leg):
    """The mirror or the repeat of one request: sent, recorded, and never tried again once an answer may be due."""

    def __init__(self, shadow: Shadow, lane: Lane, request: Request, body: bytes, charged: int) -> None:
        self.recorder = Recorder(shadow.services.config.mirror.answer_bytes)
        self._shadow = shadow
        self._lane = lane
        self._target = lane.target  # a reload while it waits for a connection must not change whose key it takes
        self._request = request
        self._body = body
        self._charged = charged
        """Tokens for which its arm's budget was charged beforehand."""
        self._purpose = lane.leg
        self._sent = 0.0
        self.replayable = True
        shadow.services.mirrors_in_flight += 1

    def send(self, connection: Upstream) -> None:
        """See `Leg.send`."""
        if not self._sent:
            self._sent = monotonic()
            self._shadow.services.deadlines.add(self)
        own = self.pool.host_line
        if self.span is not None:
            own += self.span.start_line(self._sent, self.pool.server.url)
        head = mirror_head(self._request, self._target, own, len(self._body))
        connection.transport.writelines((head, self._body))

    def received(self, head: ResponseHead | None, body: bytes, end: End | None) -> None:
        """See `Leg.received`."""
        recorder = self.recorder
        if head is not None:
            recorder.head = head
            self._body = b""
        if body:
            if not recorder.data(body, monotonic() - self._sent):
                self.give_up()
                self.finish(End.TOO_LARGE)
                return
            self._shadow.hold(len(body))
            if len(body) >= SLICE and self.connection is not None:
                self.connection.yield_loop()
        if end is not None:
            self.finish(end)

    def refused(self, *, timed_out: bool) -> None:
        """See `Leg.refused`."""
        self.finish(End.REFUSED)

    def starved(self) -> None:
        """See `Leg.starved`."""
        self._shadow.starved(self, asked=self._sent > 0)

    def deadline_passed(self) -> None:
        """The answer is unfinished at its deadline: it has not been served."""
        self.give_up()
        self.finish(End.DEADLINE)

    def finish(self, end: End) -> None:
        """The leg ended; the first end stands."""
        recorder, shadow = self.recorder, self._shadow
        if recorder.end is not None:
            return
        recorder.finish(end, monotonic() - self._sent if self._sent else 0.0)
        services = shadow.services
        services.mirrors_in_flight -= 1
        services.deadlines.discard(self)
        if self.span is not None:
            self.span.over(end, recorder.status, monotonic())
        lane = self._lane
        lane.ended(self, shadow.operation, end, recorder.status, self._sent)
        lane.arm.settle(self._purpose, self._charged, spent_tokens(self._charged, recorder) if self._sent else 0)
        shadow.leg_ended(self)


class FirstLeg(MirrorLeg):
    """The primary of a pair that has no client: its status starts the mirror, or ends the pair."""

    def received(self, head: ResponseHead | None, body: bytes, end: End | None) -> None:
        """See `Leg.received`."""
        if head is not None:
            self._shadow.primary_status(head.status)
        if self.recorder.end is None:
            super().received(head, body, end)


class Overdue(MirrorLeg):
    """A candidate that kept a client waiting too long, heard out beside the baseline's answer.

    Patience with a client's time is no measure of the candidate: it has until the deadline of all answers, counted
    from its own send, as the baseline has.
    """

    def __init__(self, shadow: Shadow, request: Request, primary: Leg, sent: float) -> None:
        services, connection = shadow.services, primary.connection
        super().__init__(shadow, services.candidate, request, b"", 0)
        self._purpose = "mirror"
        self._sent = sent
        self.pool, self.since, self.span = primary.pool, primary.since, primary.span
        self.connection, primary.connection = connection, None
        self.replayable = False  # such a silence is no close that crossed the request, and the body is not ours
        if connection is not None:
            connection.leg = self
            connection.resume()  # who is slow is the primary's client, which waits for this answer no more
        left = sent + services.config.mirror.deadline - monotonic()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, left), self.deadline_passed)

    def finish(self, end: End) -> None:
        """See `MirrorLeg.finish`."""
        self._timer.cancel()
        super().finish(end)
