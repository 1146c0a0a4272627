"""One traced pair, from its request's arrival until all of it is known. Pure but for the ids, which are random.

The gateway tells each leg's send and end as they happen, and the scorer what was found. A trace is done once the
client has its whole answer, the pair's state is known, and every analyzer has been told of: it is exported whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from analyzers.finding import Finding
from analyzers.pair import End
from proxy.report import ArmReport, Report
from proxy.tracing import context
from proxy.tracing.answer import Answer, read
from proxy.tracing.context import SAMPLED, Context

if TYPE_CHECKING:
    from proxy.gateway.capture import Recorder

PRIMARY = "primary"


class Asked(NamedTuple):
    """What a trace says of the request, known when it arrived."""

    pair_id: str
    arrival: int
    """Nanoseconds since 1970."""
    now: float
    """The same moment by the monotonic clock, in seconds."""
    method: str
    path: str
    model: str
    """As the client calls it."""
    primary: str
    """The arm that the request was routed to."""
    parameters: tuple[tuple[str, bool | int | float], ...]
    """What was asked of the model, by the names of the conventions."""
    inclusion: float
    segments: tuple[str, ...]


class LegSpan:
    """One request to one arm. Times are seconds of the monotonic clock; 0 where it has not come to that."""

    __slots__ = (
        "_recorder",
        "_trace",
        "answer",
        "arm",
        "end",
        "ended",
        "first",
        "leg",
        "made",
        "model",
        "sent",
        "size",
        "span_id",
        "status",
        "url",
    )

    def __init__(self, trace: Trace, arm: str, leg: str, *, model: str, recorder: Recorder, now: float) -> None:
        self._trace = trace
        self._recorder: Recorder | None = recorder
        self.arm = arm
        self.leg = leg
        """"primary", "mirror", "repeat" or "probe"."""
        self.model = model
        """As the arm calls it."""
        self.span_id = os.urandom(8)
        self.made = now
        self.sent = self.ended = 0.0
        self.url = ""
        """The server that it was sent to."""
        self.end: End | None = None
        self.status: int | None = None
        self.first: float | None = None
        """Seconds from its send to the first bytes of the body, where these were recorded."""
        self.size = 0
        """Bytes of the body that were recorded."""
        self.answer = Answer()

    def start(self, now: float, url: str) -> str:
        """It is sent to this server, once more where it was before: the `traceparent` that it carries."""
        self.sent = self.sent or now
        self.url = url
        return context.written(self._trace.trace_id, self.span_id, self._trace.flags)

    def start_line(self, now: float, url: str) -> bytes:
        """The same as a header line behind its CRLF."""
        return f"\r\ntraceparent: {self.start(now, url)}".encode()

    def over(self, end: End, status: int | None, now: float) -> None:
        """It ended; the first end stands."""
        if self.end is None:
            self.end, self.status, self.ended = end, status, now
            self._trace.look()

    def record(self, recorder: Recorder) -> None:
        """Its answer is recorded here, as it turns out."""
        self._recorder = recorder

    def settle(self) -> None:
        """What is recorded of its answer is all that will be told: take what a trace says of it."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            capture = recorder.capture()
            self.size = recorder.size
            self.first = capture.arrivals[0][0] if capture.arrivals else None
            self.answer = read(capture)


class Trace:
    """`done` is called with it, once."""

    def __init__(self, asked: Asked, parent: Context | None, done: Callable[[Trace], None]) -> None:
        self.asked = asked
        self.parent = parent
        self.trace_id = os.urandom(16) if parent is None else parent.trace_id
        self.flags = SAMPLED if parent is None else parent.flags
        self.span_id = os.urandom(8)
        self.legs: list[LegSpan] = []
        self.state = ""
        """The ledger's, once it is known."""
        self.findings: list[Finding] = []
        self.arms: dict[tuple[str, bool], ArmReport] = {}
        """Streaming times by arm and whether it is the repeat's."""
        self.scored = 0.0
        """When the scorer told of it last, by the monotonic clock."""
        self._done: Callable[[Trace], None] | None = done
        self._primary: LegSpan | None = None
        self._waiting: set[str] | None = None
        """Analyzers that have still to be told of; None until the first report."""

    def leg(self, arm: str, leg: str, *, model: str, recorder: Recorder, now: float) -> LegSpan:
        """A further leg, about to be sent."""
        made = LegSpan(self, arm, leg, model=model, recorder=recorder, now=now)
        self.legs.append(made)
        if leg == PRIMARY:
            self._primary = made
        return made

    def fell_back(self, candidate: Recorder) -> None:
        """What has become or becomes of the candidate, which failed as primary, is recorded there."""
        if self._primary is not None:
            self._primary.record(candidate)
            self._primary = None

    def settle(self, state: str) -> None:
        """The pair ended in this ledger state; what is recorded of its answers is cleared next."""
        self.state = state
        self._settle_legs()

    def told(self, report: Report, now: float) -> None:
        """The scorer told of the pair, or of an analyzer that was waiting."""
        if report.further:
            self._waiting = (self._waiting or set()) - report.analyses.keys()
        else:
            self._waiting = set(report.waiting)
            self.arms = {("baseline", False): report.baseline, ("candidate", False): report.candidate}
            if report.repeat is not None:
                self.arms["baseline", True] = report.repeat
        self.findings += report.findings
        self.scored = now
        self.look()

    def unscored(self) -> None:
        """Nobody will tell of the pair."""
        self._waiting = set()
        self.look()

    def look(self) -> None:
        """See whether all of it is known."""
        primary = self._primary
        answered = primary is not None and primary.end is not None
        if answered and self.state and self._waiting is not None and not self._waiting:
            done, self._done = self._done, None
            if done is not None:
                self._settle_legs()  # those that came later, too
                done(self)

    def _settle_legs(self) -> None:
        for leg in self.legs:
            leg.settle()

    def wall(self, at: float) -> int:
        """A moment of the monotonic clock as nanoseconds since 1970."""
        return self.asked.arrival + max(0, int((at - self.asked.now) * 1e9))

    def last(self, arm: str, legs: Sequence[str]) -> LegSpan | None:
        """The last leg of these kinds to an arm."""
        return next((each for each in reversed(self.legs) if each.arm == arm and each.leg in legs), None)
