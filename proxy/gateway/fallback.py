"""The primary of a canary: the candidate's turn first, and the baseline's where the candidate does not answer."""

from __future__ import annotations

from time import monotonic

import structlog

from analyzers.pair import End
from proxy.gateway.canary import Cause, cause_of
from proxy.gateway.capture import Recorder
from proxy.gateway.ledger import State
from proxy.gateway.mirror import MirrorLeg, Overdue
from proxy.gateway.primary import Primary
from proxy.gateway.response import ResponseHead
from proxy.gateway.routing import Route
from proxy.gateway.shadow import Shadow
from proxy.gateway.upstream import Upstream

_log = structlog.get_logger(__name__)


class CanaryPrimary(Primary):
    """Falls back once, and only while nothing of the candidate's answer has gone on; see `canary` for when."""

    _asked: bytes
    """The body as both arms are asked, but for the model's name."""
    _model: str
    _streams: bool
    _trying = True
    """Whether it is the candidate's turn."""
    _judged = False
    """Whether the breaker has been told of this request."""
    _early: ResponseHead | None = None
    """The head of a stream that came before any of it: servers send it at once, and it says nothing of a token."""

    def start_read(self, route: Route, body: bytes) -> None:
        """See `Primary.start_read`."""
        services = self._services
        self._lane = services.candidate
        self._asked, self._model = body, route.model
        self._streams = route.body.get("stream") is True
        services.silences.add(self)
        super().start_read(route, body)

    def send(self, connection: Upstream) -> None:
        """See `Leg.send`."""
        again = self._sent
        super().send(connection)
        if not again:
            self._services.deadlines.add(self)

    def received(self, head: ResponseHead | None, body: bytes, end: End | None) -> None:
        """See `Leg.received`."""
        if self._trying and not self.begun:
            head = head or self._early
            cause = cause_of(None if head is None else head.status, end)
            if cause is not None and self._falls_back(cause):
                self._fall_back(self._failed(End.RESET if cause is Cause.RESET else End.COMPLETE, head))
                return
            if self._streams and head is not None and not body and end is None:
                self._early = head
                if self._shadow is not None:
                    self._share(self._shadow, head, b"", None)
                return
        super().received(head, body, end)

    def refused(self, *, timed_out: bool) -> None:
        """See `Leg.refused`."""
        if self._trying and self._falls_back(Cause.REFUSED):
            self._fall_back(self._failed(End.REFUSED, None))
        else:
            super().refused(timed_out=timed_out)

    def silent(self) -> None:
        """The candidate has not begun to answer. One that was asked for all in one piece need not have."""
        if not self._trying or self.begun or (self._sent and not self._streams):
            return
        if self._falls_back(Cause.SILENCE):
            connection, shadow = self.connection, self._shadow
            if connection is None or shadow is None or shadow.settled:
                self._fall_back(self._failed(End.DEADLINE if self._sent else End.REFUSED, self._early))
            else:
                overdue = Overdue(shadow, self._request, self, self._sent)
                overdue.recorder.head = self._early
                self._fall_back(overdue.recorder, overdue)

    def deadline_passed(self) -> None:
        """See `Primary.deadline_passed`."""
        if self._trying and not self.begun and self._falls_back(Cause.SILENCE):
            self._fall_back(self._failed(End.DEADLINE, self._early))
        else:
            super().deadline_passed()

    def _falls_back(self, cause: Cause) -> bool:
        """Tell the breaker what the candidate did, and ask whether the baseline may answer instead."""
        canary = self._services.canary
        if not self._judged:
            self._judged = True
            if cause is Cause.REJECTED:
                canary.answered(self.since)
            else:
                canary.failed(self.since, monotonic())
        return canary.may_fall_back(cause)

    def _failed(self, end: End, head: ResponseHead | None) -> Recorder:
        """Part from the candidate; what it did, for the pair."""
        self.give_up()
        status = None if head is None else head.status
        if self.span is not None:
            self.span.over(end, status, monotonic())
        self._lane.ended(self, self._operation, end, status, self._sent)
        recorder = Recorder(0)
        recorder.head = head
        recorder.finish(end, monotonic() - self._sent if self._sent else 0.0)
        return recorder

    def _fall_back(self, candidate: Recorder, overdue: MirrorLeg | None = None) -> None:
        """Send the request to the baseline."""
        services, now = self._services, monotonic()
        services.silences.discard(self)
        services.deadlines.discard(self)
        if self._shadow is not None:
            self._tell(self._shadow, candidate, overdue)
        self._trying = False
        self._lane = services.primary
        if self._shadow is not None and self._shadow.trace is not None:
            self.span = self._shadow.span_of(self._lane, "primary", self._shadow.recorder)
        self._sent, self._ready = 0.0, now
        self._body_sent = False
        self.tried = ()
        self.replayable = True
        self._address(self._asked, self._model)
        self._lane.acquire(self, now)

    def _tell(self, shadow: Shadow, candidate: Recorder, overdue: MirrorLeg | None) -> None:
        """Tell the pair; a fault of the program in there must not become the client's."""
        try:
            shadow.fell_back(candidate, overdue)
        except Exception as error:
            self._shadow = None
            _log.error("a pair was lost to a fault", error=type(error).__name__)
            shadow.drop(State.DROPPED_FAULT)

    def _count(self, end: End) -> None:
        services = self._services
        services.silences.discard(self)
        services.deadlines.discard(self)
        if self._trying and not self._judged:
            if end is End.COMPLETE:
                services.canary.answered(self.since)
            elif end is not End.ABORTED:
                services.canary.failed(self.since, monotonic())
        super()._count(end)
