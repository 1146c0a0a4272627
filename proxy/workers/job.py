"""What is left to do of one pair: bookkeeping that ends in one report with every analyzer in it once. Pure.

An analyzer that needs further requests first is waiting in that report, and has a job of its own from then on,
which ends in a further report: the findings that guardrails count wait for nobody's requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzers.finding import Probe
from analyzers.pair import Capture, CapturedPair, End
from proxy.report import PAIRED, Analysis, Report
from proxy.workers.answers import Answer, GarbageError
from verdict.segments import spoken

MAX_BLAMELESS = 3
"""A pair for which this many children were lost, or failed to start, with no analyzer running is given up."""
MAX_ROUNDS = 2
"""Times that an analyzer may need further requests for one pair."""

UNSEEN = Capture(End.ABORTED)
"""An answer of which nothing is known."""

Replies = tuple[tuple[int, bytes], ...]
"""Status and body of the answers to further requests."""


def size(pair: CapturedPair) -> int:
    """Bytes that a waiting pair holds on to."""
    held = len(pair.body) + len(pair.baseline.body) + len(pair.candidate.body)
    return held if pair.repeat is None else held + len(pair.repeat.body)


class Job:
    """One submitted pair, until it is reported. `analyzers` are the names of all that are enabled.

    `further` is the one analyzer whose needs this job is about; every one of them is asked where it is left out.
    """

    __slots__ = (
        "_analyzers",
        "_answer",
        "_blameless",
        "_ended",
        "asked",
        "blind",
        "further",
        "keep",
        "pair",
        "replies",
        "rounds",
        "size",
        "state",
    )

    def __init__(
        self, pair: CapturedPair, state: str, analyzers: Sequence[str], further: str | None = None
    ) -> None:
        self.pair = pair
        self.state = state
        self.size = size(pair)
        self.further = further
        self.replies: Replies = ()
        """The answers to what the one analyzer of a further job has needed so far."""
        self.rounds = 0
        """How often it has been answered."""
        self.asked = (1 << len(analyzers)) - 1 if further is None else 1 << analyzers.index(further)
        """Bit n is set while the n-th analyzer has no outcome yet."""
        self.keep = bool(pair.subject) and state in PAIRED and further is None
        """Whether a case may be made of it."""
        self.blind = 0
        """Bit n is set where the n-th analyzer may see no answer any more, and says what X can be."""
        self._analyzers = analyzers
        self._answer: Answer | None = None
        self._ended: dict[str, Analysis] = {}
        """Outcomes that no child told."""
        self._blameless = 0

    @property
    def stages(self) -> int:
        """How many analyzers there are; the stage of this number makes the case."""
        return len(self._analyzers)

    @property
    def failures(self) -> tuple[tuple[str, str], ...]:
        """What the child told of analyzers that came to nothing; see `Outcomes`."""
        return () if self._answer is None else self._answer.outcomes.failures

    @property
    def unfit(self) -> tuple[tuple[str, str], ...]:
        """To which analyzers the pair is not applicable, and why, as far as they said so."""
        return () if self._answer is None else self._answer.outcomes.unfit

    @property
    def needs(self) -> tuple[tuple[str, tuple[Probe, ...]], ...]:
        """What is needed before an outcome, by analyzer."""
        return () if self._answer is None else self._answer.needs

    def take(self, answer: Answer) -> None:
        """A child answered: nothing is left to do. Raises GarbageError where it answers something else."""
        if answer.outcomes.asked != self.asked:
            raise GarbageError("answers for other analyzers")
        self._answer = answer
        self.asked = 0

    def answered(self, replies: Replies) -> None:
        """What the analyzer of a further job needed has been asked: it scores once more."""
        self.replies += replies
        self.rounds += 1
        self.size += sum(len(body) for _, body in replies)
        self.reopen()

    def reopen(self) -> None:
        """A further job's analyzer has no outcome after all."""
        self._answer = None
        self.asked = 1 << self._analyzers.index(self.further) if self.further is not None else 0

    def lose(self, stage: int) -> str | None:
        """A child was lost while it ran the analyzer at this place: its name; None where it was not to run.

        One of the answers may have led to that, so it is asked once more, without them: who is in its population
        depends on the request alone. A request that costs a child by itself is in none.
        """
        bit = 1 << stage
        if not self.asked & bit:
            return None
        name = self._analyzers[stage]
        self._ended[name] = Analysis.KILLED
        self.keep = False
        if self.blind & bit or self.further is not None:
            self.asked &= ~bit
        self.blind |= bit
        return name

    def lose_reading(self) -> None:
        """A child was lost while it read the pair: no analyzer sees its answers, and once more it is given up."""
        if not self.asked & ~self.blind or self.further is not None:
            self.give_up(Analysis.KILLED)
            return
        for stage, name in enumerate(self._analyzers):
            if self.asked >> stage & 1:
                self._ended[name] = Analysis.KILLED
        self.keep = False
        self.pair = replace(self.pair, baseline=UNSEEN, candidate=UNSEEN, repeat=None)
        self.blind = self.asked

    @property
    def untouched(self) -> bool:
        """Whether no analyzer has an outcome."""
        return self._answer is None and not self._ended

    def lose_blameless(self) -> bool:
        """A child was lost, and no analyzer was running: whether that was once too often for this pair."""
        self._blameless += 1
        return self._blameless >= MAX_BLAMELESS

    def give_up(self, analysis: Analysis) -> None:
        """Every analyzer that has no outcome yet ends as `analysis`."""
        for stage, name in enumerate(self._analyzers):
            if self.asked >> stage & 1:
                self._ended.setdefault(name, analysis)
        self.asked = 0

    @property
    def case(self) -> bytes:
        """What the child made of the pair for the case pool; empty where nothing."""
        return b"" if self._answer is None else self._answer.case

    def report(self) -> Report:
        """The one report; only when nothing is left to do."""
        pair, answer, ended = self.pair, self._answer, self._ended
        about = (pair.pair_id, pair.session, pair.inclusion, pair.primary, self.state)
        further = self.further is not None
        segments = pair.segments if answer is None else spoken(pair.segments, answer.language)
        known = self.state in PAIRED
        if answer is None or not known:
            return Report(
                *about,
                analyses=ended if known else {},
                seconds={},
                findings=(),
                further=further,
                missing=() if answer is None else answer.outcomes.missing,
                arrival=pair.arrival,
                segments=segments,
                client=pair.client,
            )
        outcomes, seconds, baseline, candidate, repeat, measurements, needs, *_ = answer
        return Report(
            *about,
            {**outcomes.analyses, **ended} if ended else outcomes.analyses,
            {name: seconds[place] for place, name in outcomes.timed},
            outcomes.findings,
            baseline,
            candidate,
            repeat,
            measurements,
            tuple(name for name, _ in needs) if needs else (),
            further,
            outcomes.missing,
            pair.arrival,
            segments=segments,
            client=pair.client,
        )
