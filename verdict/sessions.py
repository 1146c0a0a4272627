"""From turns in any order to one observation per session and guardrail, in order of arrival. Pure.

A session gives a guardrail one observation, that of its first applicable turn. Later turns are told apart, by whose
answers are in the history that they carry: how many there are depends on the answers, so counting them would make
equal arms look unequal. Observations come in the order in which requests arrived, not in that in which they were
scored, since short answers end first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import orjson

KEYS = 100_000
"""Most sessions remembered; the longest quiet one is forgotten first, and would count again."""
WAITING = 100_000
"""Most turns that wait for those that arrived before them; the first then waits no longer."""
RECENT = 16
"""Turns of one session that are known again; what arrived before all of them has been told of before."""
SECOND = 1_000_000_000
"""Arrivals are nanoseconds since 1970."""
ARMS = ("baseline", "candidate")
HISTORIES = (*ARMS, "mixed")
"""Whose answers a later turn carries: the primaries of its session's earlier turns."""


MASKS = 1_024
"""Most sets of guardrails of which the bits are remembered."""
_PRIMARY = {arm: 1 << place for place, arm in enumerate(ARMS)}


class Measured(NamedTuple):
    """What one turn says of one guardrail. X = F(candidate) - F(baseline) is from `low` to `high`."""

    low: float
    high: float
    baseline: float | None = None
    """F of each arm; None where X is not known."""
    candidate: float | None = None
    repeat: float | None = None
    """F of the baseline's second answer, where there is one."""

    @property
    def known(self) -> bool:
        """Whether X is known."""
        return self.baseline is not None and self.candidate is not None


class Turn(NamedTuple):
    """One mirrored request and what was found."""

    session: str
    arrival: int
    """When it arrived: its place among all."""
    primary: str
    measured: Mapping[str, Measured]
    """By guardrail, where it applies."""
    spoilt: tuple[str, ...] = ()
    """Guardrails of which it is not even known whether it applies, since it was dropped on our side."""
    inclusion: float = 1.0
    """The probability with which its session was chosen."""
    segments: tuple[str, ...] = ()
    client: str = ""
    """Whose it is, where the part of the evidence that one client may make up is bounded."""


class Observation(NamedTuple):
    """One turn, for one guardrail."""

    guardrail: str
    measured: Measured
    turn: Turn
    history: str | None = None
    """None for a session's first applicable turn, the one that counts; else one of HISTORIES."""


class _Record:
    """What is remembered of one session."""

    __slots__ = ("counted", "primaries", "recent", "since", "turns")

    def __init__(
        self, since: int, counted: int = 0, primaries: int = 0, turns: int = 0, recent: Sequence[int] = ()
    ) -> None:
        self.since = since
        """When the first turn arrived, or the first after `ttl` had passed."""
        self.counted = counted
        """The guardrails, by their bits, that have had their observation."""
        self.primaries = primaries
        """The primaries of its turns, by their bits."""
        self.turns = turns
        self.recent = list(recent)
        """When its last turns arrived, in order."""

    def knows(self, arrival: int) -> bool:
        """Whether this turn has been told of before."""
        recent = self.recent
        return arrival in recent or (len(recent) == RECENT and arrival < recent[0])

    def note(self, arrival: int) -> None:
        """Know this turn again."""
        recent = self.recent
        recent.append(arrival)
        if len(recent) > 1 and arrival < recent[-2]:
            recent.sort()
        del recent[:-RECENT]


class Sessions:
    """All sessions of the present evidence. `ttl` is in seconds: after it a session counts once more."""

    def __init__(self, guardrails: Sequence[str], ttl: float) -> None:
        self.turns = 0
        """How many have been told."""
        self.largest = 0
        """Turns of the session that has most."""
        self._bits = {name: 1 << place for place, name in enumerate(guardrails)}
        self._masks: dict[tuple[str, ...], int] = {}
        self._ttl = round(ttl * SECOND)
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._waiting: dict[str, dict[int, Turn]] = {}
        self._order: list[tuple[int, str]] = []
        """A heap of what waits."""
        self._touched: dict[str, None] = {}
        """Sessions that have changed, in the order in which they did."""

    @property
    def waiting(self) -> int:
        """Turns that wait for those that arrived before them."""
        return len(self._order)

    def receive(self, turn: Turn) -> bool:
        """Take a turn, in whatever order; False where it has been told of before."""
        session, arrival = turn.session, turn.arrival
        record, waiting = self._records.get(session), self._waiting.get(session)
        if (waiting is not None and arrival in waiting) or (record is not None and record.knows(arrival)):
            return False
        if waiting is None:
            waiting = self._waiting[session] = {}
        waiting[arrival] = turn
        heappush(self._order, (arrival, session))
        self._touched[session] = None
        return True

    def advance(self, low: int) -> Iterator[Observation]:
        """Tell, in order, all that arrived before `low`: nothing that arrived earlier is still to come."""
        order = self._order
        while order and (order[0][0] < low or len(order) > WAITING):
            arrival, session = heappop(order)
            waiting = self._waiting[session]
            turn = waiting.pop(arrival)
            if not waiting:
                del self._waiting[session]
            yield from self._told(turn)

    def _told(self, turn: Turn) -> list[Observation]:
        record, told = self._record(turn), list[Observation]()
        counted, primaries = record.counted, record.primaries
        for guardrail, measured in turn.measured.items():
            bit = self._bits[guardrail]
            record.counted |= bit
            history = HISTORIES[primaries - 1 if primaries else -1] if counted & bit else None
            told.append(Observation(guardrail, measured, turn, history))
        if turn.spoilt:
            record.counted |= self._mask(turn.spoilt)
        record.primaries = primaries | _PRIMARY[turn.primary]
        return told

    def _mask(self, guardrails: tuple[str, ...]) -> int:
        """The bits of several at once; the same few sets of them come again and again."""
        mask = self._masks.get(guardrails)
        if mask is None:
            if len(self._masks) >= MASKS:
                self._masks.clear()
            mask = self._masks[guardrails] = sum({self._bits[each] for each in guardrails})
        return mask

    def _record(self, turn: Turn) -> _Record:
        """The session's record, of which it is noted that this turn has been told."""
        records, session, arrival = self._records, turn.session, turn.arrival
        record = records.get(session)
        if record is None:
            record = records[session] = _Record(arrival)
            if len(records) > KEYS:
                forgotten, _ = records.popitem(last=False)
                self._touched[forgotten] = None
        else:
            records.move_to_end(session)
            if arrival >= record.since + self._ttl:
                record.since, record.counted, record.primaries = arrival, 0, 0
        record.note(arrival)
        record.turns += 1
        self.turns += 1
        self.largest = max(self.largest, record.turns)
        self._touched[session] = None
        return record

    # over a restart

    def take(self) -> dict[str, bytes]:
        """What is known of the sessions that have changed since this was last called; of those forgotten, nothing.

        What `restore` makes of all that was ever taken, later values in the place of earlier ones, goes on as if it
        had never stopped.
        """
        taken, self._touched = self._touched, {}
        return {session: self._dumped(session) for session in taken}

    def _dumped(self, session: str) -> bytes:
        record, waiting = self._records.get(session), self._waiting.get(session)
        if record is None and waiting is None:
            return b""
        known = record and (record.since, record.counted, record.primaries, record.turns, record.recent)
        return orjson.dumps((known, [_plain(turn) for turn in waiting.values()] if waiting else ()))

    def dump(self) -> dict[str, Any]:
        """What `take` leaves out, as JSON takes it."""
        return {"turns": self.turns, "largest": self.largest}

    def restore(self, dumped: Mapping[str, Any], taken: Mapping[str, bytes]) -> None:
        """Be where `dump` and all that was taken say."""
        self.turns, self.largest = dumped["turns"], dumped["largest"]
        records = dict[str, _Record]()
        for session, told in taken.items():
            if not told:
                continue
            known, waiting = orjson.loads(told)
            if known is not None:
                records[session] = _Record(*known)
            if waiting:
                turns = self._waiting[session] = {each[0]: _turn(session, *each) for each in waiting}
                self._order += ((arrival, session) for arrival in turns)
        self._records.update(sorted(records.items(), key=lambda each: each[1].recent[-1])[-KEYS:])
        heapify(self._order)


def _plain(turn: Turn) -> tuple[Any, ...]:
    measured = {guardrail: tuple(each) for guardrail, each in turn.measured.items()}
    return turn.arrival, turn.primary, measured, list(turn.spoilt), turn.inclusion, turn.segments, turn.client


def _turn(session: str, arrival: int, primary: str, measured: dict[str, Any], *rest: Any) -> Turn:
    spoilt, inclusion, segments, *client = rest
    known = {guardrail: Measured(*each) for guardrail, each in measured.items()}
    return Turn(session, arrival, primary, known, tuple(spoilt), inclusion, tuple(segments), *client)
