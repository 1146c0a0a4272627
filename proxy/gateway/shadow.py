"""What runs beside one sampled request: its mirror, its repeat, and the captures, driven by `Pairing`.

Nothing here can make the client wait: it is told of the primary's bytes after they were written to the client, its
connections, counts and bytes are its own, and every end of it is final.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog

from analyzers.pair import Capture, CapturedPair, End
from proxy.gateway.arms.budget import prompt_tokens
from proxy.gateway.bodies import mirror_body, renamed
from proxy.gateway.capture import Recorder
from proxy.gateway.lane import Lane
from proxy.gateway.ledger import HAS_PAIR, State
from proxy.gateway.mirror import FirstLeg, MirrorLeg
from proxy.gateway.pairing import Do, Pairing
from proxy.gateway.request import Request
from proxy.gateway.response import ResponseHead
from proxy.gateway.routing import OPERATIONS, OTHER, Route
from proxy.gateway.services import Services
from proxy.report import Unmeasured

if TYPE_CHECKING:
    from proxy.tracing.trace import LegSpan, Trace

_log = structlog.get_logger(__name__)


class Shadow:
    """One sampled request, routed to `arm`. `body` is the client's, with the seed that every leg gets."""

    __slots__ = (
        "_arm",
        "_arrival",
        "_body",
        "_first",
        "_held",
        "_inclusion",
        "_mirror",
        "_other",
        "_pairing",
        "_primary",
        "_repeat",
        "_request",
        "_route",
        "_segments",
        "operation",
        "recorder",
        "services",
        "trace",
    )

    def __init__(self, services: Services, request: Request, route: Route, body: bytes, arm: str) -> None:
        self.services = services
        self._arrival = services.arrivals.enter()
        self.operation = OPERATIONS.get(request.path, OTHER)
        """The label of its path."""
        self.recorder = Recorder(services.config.mirror.answer_bytes)
        """The answer that the client gets."""
        self._primary = self._arm = arm
        """The arm the request was routed to, and the one whose answer the client gets."""
        self._request = request
        self._segments = services.segments_of(request, route, len(body))
        self._route = route
        self._body = body
        self._pairing = Pairing(arm, repeat=route.repeat)
        self._inclusion = services.config.mirror.sample
        self._first: MirrorLeg | None = None
        """The primary's leg where it is one of ours."""
        self._mirror: MirrorLeg | None = None
        self._other: Recorder | None = None
        """The other arm's answer."""
        self._repeat: MirrorLeg | None = None
        self._held = 0
        self.trace: Trace | None = None
        """What is traced of the pair, where it is."""
        if services.tracer is not None:
            self.trace = services.tracer.begin(request, route, arm, self._arrival, self._segments)
        services.shadows.add(self)
        if self.hold(len(body)):
            services.starts.add(self)

    def hold(self, size: int) -> bool:
        """Account for `size` more bytes held; False, and the pair dropped, where there is no room."""
        if self._pairing.state is not None:
            return False
        if self.services.held.take(size):
            self._held += size
            return True
        self._act(self._pairing.drop(State.DROPPED_MIRROR_BYTES))
        return False

    def start_first(self) -> None:
        """Ask the primary's arm for the pair alone, since no client waits for it."""
        lane = self.services.mirrors["candidate"]
        tokens, now = prompt_tokens(len(self._body)), monotonic()
        if not self.settled and self._may_start(lane, tokens, now):
            self._first = first = self._leg(lane, self._route.body, tokens, FirstLeg)
            self.recorder = first.recorder
            lane.acquire(first, now)
        elif self.trace is not None and self.services.tracer is not None:
            self.services.tracer.forget(self.trace)

    def span_of(self, lane: Lane, leg: str, recorder: Recorder) -> LegSpan | None:
        """The part in the pair's trace of a leg that is about to be sent."""
        if self.trace is None:
            return None
        model = lane.target.name_of(self._route.model)
        return self.trace.leg(lane.arm.name, leg, model=model, recorder=recorder, now=monotonic())

    def primary_status(self, status: int) -> None:
        """The primary's status came."""
        self._act(self._pairing.primary_status(status))

    def primary_received(self, head: ResponseHead | None, body: bytes, end: End | None, seconds: float) -> None:
        """The primary's answer went on; `seconds` since its send."""
        recorder, pairing = self.recorder, self._pairing
        if pairing.state is not None or recorder.end is not None:
            return
        if head is not None:
            recorder.head = head
            self._act(pairing.primary_status(head.status))
        if body:
            if not recorder.data(body, seconds):
                end = End.TOO_LARGE
            elif not self.hold(len(body)):
                return
        if end is not None:
            self.primary_ended(end, seconds)

    def primary_ended(self, end: End, seconds: float) -> None:
        """The primary's answer ended, or its time for scoring did."""
        self.recorder.finish(end, seconds)
        self._act(self._pairing.primary_ended(end, self.recorder.status))

    def start_due(self) -> None:
        """The primary has been silent for as long as the mirror waits."""
        self._act(self._pairing.start_due())

    @property
    def settled(self) -> bool:
        """Whether its state is known, so that nothing more of it counts."""
        return self._pairing.state is not None

    def fell_back(self, candidate: Recorder, overdue: MirrorLeg | None) -> None:
        """The candidate failed as primary, as recorded or as `overdue` still records, and the baseline answers.

        The baseline's answer to the client takes the place of a mirror's, also of one under way. Were it left to
        which of the two comes out better, the baseline would have two throws.
        """
        if self.settled:
            return
        self.services.starts.discard(self)
        if self.trace is not None:
            self.trace.fell_back(candidate)
        mirror, self._mirror = self._mirror, overdue
        self._arm, self._other = "baseline", candidate
        self.recorder = Recorder(self.services.config.mirror.answer_bytes)
        self._pairing.fell_back()
        if mirror is not None and mirror.recorder.end is None:
            mirror.give_up()
            mirror.finish(End.ABORTED)
        elif mirror is None and self._route.repeat:
            self._start_repeat(self._route.body, prompt_tokens(len(self._body)), monotonic())
        self._route.body = {}
        if candidate.end is not None:
            self._act(self._pairing.mirror_ended(candidate.end, candidate.status))

    def drop(self, state: State) -> None:
        """Give the pair up."""
        self._act(self._pairing.drop(state))

    def starved(self, leg: MirrorLeg, *, asked: bool) -> None:
        """There was no file descriptor to send this leg, or to send it again where it was `asked` before."""
        if leg is self._repeat:
            self._repeat = None
            leg.finish(End.ABORTED)
            self._act(self._pairing.repeat_ended())
            return
        if leg is self._mirror and not asked:
            self._other = None
        self.drop(State.DROPPED_DESCRIPTORS)

    def leg_ended(self, leg: MirrorLeg) -> None:
        """The mirror or the repeat ended."""
        end, status = leg.recorder.end, leg.recorder.status
        if end is None:
            return
        if leg is self._repeat:
            self._act(self._pairing.repeat_ended())
        elif leg is self._mirror:
            self._act(self._pairing.mirror_ended(end, status))
        elif leg is self._first:
            self._act(self._pairing.primary_ended(end, status))

    def _act(self, do: Do) -> None:
        if do is Do.NOTHING:
            return
        if do is Do.FINISH:
            self._finish()
            return
        try:
            self._start()
        except Exception as error:
            _log.error("a mirror was lost to a fault", error=type(error).__name__)
            self.drop(State.DROPPED_FAULT)

    def _start(self) -> None:
        services, parsed = self.services, self._route.body
        self._route.body = {}  # a parsed body is many times its bytes
        services.starts.discard(self)
        lane, now, tokens = services.mirrors[self._arm], monotonic(), prompt_tokens(len(self._body))
        if not self._may_start(lane, tokens, now):
            return
        self._mirror = mirror = self._leg(lane, parsed, tokens)
        self._other = mirror.recorder
        lane.acquire(mirror, now)
        if self._route.repeat:
            self._start_repeat(parsed, tokens, now)

    def _start_repeat(self, parsed: Mapping[str, Any], tokens: int, now: float) -> None:
        """Ask the baseline once more, where there is room."""
        services, lane = self.services, self.services.repeat
        room = services.mirrors_in_flight < services.config.mirror.in_flight
        if room and lane.arm.spend(lane.leg, tokens, now) is None:
            self._repeat = self._leg(lane, parsed, tokens)
            lane.acquire(self._repeat, now)
        else:
            self._act(self._pairing.repeat_ended())

    def _may_start(self, lane: Lane, tokens: int, now: float) -> bool:
        """Whether there is room for a leg and for its tokens; where there is not, the pair is dropped."""
        services = self.services
        if services.mirrors_in_flight >= services.config.mirror.in_flight:
            self.drop(State.DROPPED_MIRROR_BUSY)
            return False
        refusal = lane.arm.spend(lane.leg, tokens, now)
        if refusal is not None:
            self.drop(refusal)
        return refusal is None

    def _leg(
        self, lane: Lane, parsed: Mapping[str, Any], tokens: int, kind: type[MirrorLeg] = MirrorLeg
    ) -> MirrorLeg:
        body = renamed(self._body, parsed, lane.target.name_of(self._route.model))
        leg = kind(self, lane, self._request, mirror_body(self._request, body, parsed), tokens)
        if self.trace is not None:
            leg.span = self.span_of(lane, "primary" if kind is FirstLeg else lane.leg, leg.recorder)
        return leg

    def _finish(self) -> None:
        """The state is known: stop what still runs, close the ledger, hand over the pair. Happens once."""
        services, state = self.services, self._pairing.state
        if state is None:
            raise RuntimeError("a pair was finished without a state")
        services.starts.discard(self)
        for leg in (self._first, self._mirror, self._repeat):
            if leg is not None and leg.recorder.end is None:
                leg.give_up()
                leg.finish(End.ABORTED)
        services.ledger.close(self._primary, state)
        services.held.give(self._held)
        services.shadows.discard(self)
        if self.trace is not None:
            self.trace.settle(state.value)
        if state in HAS_PAIR or (self._other is not None and state is not State.DROPPED_REJECTED):
            self._hand_over(state)
        elif state is State.DROPPED_REJECTED:
            services.arrivals.leave(self._arrival)
            if self.trace is not None:
                self.trace.unscored()
        else:  # the other arm has not been asked, so nothing of an answer has led to this
            services.scorer.leave(self._unmeasured(state))
        self.recorder.clear()
        self._first = self._mirror = self._repeat = self._other = None
        self._body = b""
        if not services.shadows:
            services.on_idle()

    def _hand_over(self, state: State) -> None:
        """Give the pair to the analyzers, or say that they have no room, before anything is built.

        One that was given up after both arms had been asked is told of, too: its answers may have led to that, as
        where a client leaves after a bad one.
        """
        scorer = self.services.scorer
        try:
            if scorer.has_room():
                scorer.submit(self._captured(whole=state in HAS_PAIR), state.value)
            else:
                scorer.refuse(self._unmeasured(state))
        except Exception as error:
            self.services.arrivals.leave(self._arrival)
            if self.trace is not None:
                self.trace.unscored()
            _log.error("a pair could not be handed over", error=type(error).__name__)

    def _unmeasured(self, state: State) -> Unmeasured:
        session = self._route.session.hex()
        return Unmeasured(self._arrival, session, self._primary, state.value, self._segments)

    def _captured(self, *, whole: bool) -> CapturedPair:
        services, route, repeat = self.services, self._route, self._repeat
        primary, other = self.recorder, self._other
        if not whole:
            repeat = None
            for recorder in (primary, other):
                if recorder is not None and recorder.end not in (End.COMPLETE, End.TOO_LARGE):
                    recorder.clear()  # half an answer says nothing; as much as may be kept may say that it loops
        baseline = primary.capture()
        candidate = Capture(end=End.ABORTED) if other is None else other.capture()
        if self._arm == "candidate":
            baseline, candidate = candidate, baseline
        return CapturedPair(
            pair_id=f"{services.arrivals.process}-{self._arrival}",
            session=route.session.hex(),
            primary=self._primary,
            path=self._request.path.decode(),
            body=self._body,
            baseline=baseline,
            candidate=candidate,
            repeat=None if repeat is None else repeat.recorder.capture(),
            inclusion=self._inclusion,
            headers=services.golds.seen(self._request.control),
            arrival=self._arrival,
            segments=self._segments,
            subject=services.storing.subject(self._request, route.peer) if whole else "",
            client=services.identity.of(self._request, route.peer),
        )
