"""All that is known of one candidate: turns in, judgements out. Pure, and of bounded size.

It belongs to one identity of the arms, the guardrails and the analyzers; where that changes, a new one begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from verdict.clients import Clients
from verdict.coverage import Coverage
from verdict.evidence import Evidence
from verdict.guardrails import Guardrail, Levels
from verdict.judge import Judgement, State, judge
from verdict.late import LateSlip
from verdict.repeat import Repeat
from verdict.segments import Bounded, Segments, read
from verdict.sessions import HISTORIES, Observation, Sessions, Turn
from verdict.tally import Tally
from verdict.watermark import Watermark
from verdict.weights import discount

MOST_READ = 60
"""Intervals of segments found anew for somebody who reads the verdict."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was declared before the first session."""

    guardrails: tuple[Guardrail, ...]
    levels: Levels = Levels()
    ttl: float = 86_400.0
    """Seconds after which a session counts once more."""
    patience: float = 180.0
    """Longest that a turn waits for those that arrived before it, in seconds."""
    least_inclusion: float | None = None
    """The smallest probability that a session has of being sampled; None where all count alike."""
    values: int = 20
    """Most values kept of each attribute by which requests are told apart."""
    of_client: int = 0
    """Most sessions of one client that count at once: see `verdict.clients`; all of them where 0."""


class Dossier:
    """Made anew for new evidence. Times are nanoseconds since 1970, as arrivals are."""

    def __init__(self, terms: Terms) -> None:
        guardrails, levels = terms.guardrails, terms.levels
        names = [each.name for each in guardrails]
        self.terms = terms
        self.evidence = {each.name: Evidence(each.margin, levels.harm * each.weight) for each in guardrails}
        self.repeats = {each.name: Repeat(levels.repeat * each.weight) for each in guardrails}
        self.late = LateSlip(guardrails, levels.run_length)
        self.tallies = {name: Tally() for name in names}
        """Over sessions, each by its first applicable turn."""
        self.later = {key: Tally() for key in product(names, HISTORIES)}
        """Over later turns, by guardrail and by whose history they carry."""
        self.sessions = Sessions(names, terms.ttl)
        self.clients = Clients(guardrails, terms.of_client)
        self.segments = Segments(guardrails, levels)
        self.coverage = Coverage()
        self.folded = 0
        """Observations so far."""
        self._bounded = Bounded(terms.values)
        self._watermark = Watermark(terms.patience)
        self._judged: dict[str, tuple[int, Judgement]] = {}
        """Each guardrail's last judgement, and of how many sessions it is."""
        for each in guardrails:
            self._judge(each)

    def hear(self, process: str, low: int, now: int) -> None:
        """A gateway process has told of all that arrived there before `low`."""
        self._watermark.hear(process, low, now)

    def marks(self) -> dict[str, int]:
        """How far each gateway process has told, as far as is known."""
        return self._watermark.lows()

    def receive(self, turn: Turn) -> bool:
        """Take a turn, in whatever order; False where it has been told of before, and changes nothing."""
        return self.sessions.receive(turn)

    def cover(self, segments: tuple[str, ...], *, measured: bool) -> None:
        """Count one sampled request, whatever became of it."""
        self.coverage.count(self._bounded.every(read(segments)), measured=measured)

    def fold(self, now: int) -> None:
        """Take account, in order, of all that arrived before everything that may still be told of."""
        for observation in self.sessions.advance(self._watermark.low(now)):
            self._observe(observation)

    def _observe(self, observation: Observation) -> None:
        name, measured, turn, history = observation
        self.folded += 1
        if history is not None:
            self.later[name, history].observe(measured)
            return
        if turn.client and not self.clients.count(name, turn.client):
            return
        least = self.terms.least_inclusion
        weight = 1.0 if least is None else discount(max(turn.inclusion, least), least)
        self.tallies[name].observe(measured)
        self.evidence[name].observe(measured.low, measured.high, weight)
        self.late.observe(name, measured.low, weight)
        if measured.repeat is not None and measured.baseline is not None:
            self.repeats[name].observe(measured.repeat - measured.baseline, weight)
        self.segments.observe(observation, self._bounded.every(turn.segments), weight)

    # what may be said

    @property
    def failures(self) -> int:
        """Guardrails that have failed; cheap."""
        return sum(each.failed for each in self.evidence.values())

    def judgements(self, most: int | None = None) -> tuple[Judgement, ...]:
        """Every guardrail's verdict, in their order, as of now.

        An interval takes time to find: with `most`, at most so many are worked out anew, those first that are
        furthest behind, and the others are those of a moment ago; but never where one has failed since.
        """
        for about in self.terms.guardrails:
            if self.evidence[about.name].failed and self._judged[about.name][1].state is not State.FAIL:
                self.catch_up(about)
        behind = [each for each in self.terms.guardrails if self._behind(each.name)]
        for about in sorted(behind, key=lambda each: self._behind(each.name), reverse=True)[:most]:
            self._judge(about)
        return tuple(self._judged[each.name][1] for each in self.terms.guardrails)

    def catch_up(self, about: Guardrail) -> None:
        """Judge this guardrail by all that is known, if its last judgement does not."""
        if self._behind(about.name):
            self._judge(about)

    def _behind(self, name: str) -> int:
        """Sessions that its last judgement does not know of."""
        return self.evidence[name].sessions - self._judged[name][0]

    def _judge(self, about: Guardrail) -> None:
        evidence = self.evidence[about.name]
        judgement = judge(about, self.tallies[about.name], evidence, self.terms.levels)
        self._judged[about.name] = evidence.sessions, judgement

    def blocks(self) -> tuple[str, ...]:
        """What keeps the candidate from more traffic, and never from less, in words."""
        alarms = (
            f"A/A alarm on {name}: two answers of the baseline are judged differently more often one way than the"
            f" other, evidence {repeat.e_value:.3g} of {1 / repeat.alpha:.3g}"
            for name, repeat in self.repeats.items()
            if repeat.alarm
        )
        return (*alarms, *(f"not covered: {gap}" for gap in (*self.coverage.gaps(), *self.clients.gaps())))

    def told(self) -> dict[str, Any]:
        """What lies behind the judgements, as JSON takes it, for reading."""
        sessions = self.sessions
        return {
            "blocks": list(self.blocks()),
            "segments": [row._asdict() for row in self.segments.rows(MOST_READ)],
            "later_turns": [
                {
                    "guardrail": name,
                    "history": history,
                    "turns": tally.count,
                    "baseline_rate": tally.baseline_rate,
                    "candidate_rate": tally.candidate_rate,
                    "slip": tally.slip,
                }
                for (name, history), tally in self.later.items()
                if tally.count
            ],
            "missing": {name: tally.missing for name, tally in self.tallies.items()},
            "repeats": {
                name: {"sessions": each.sessions, "noise": each.noise, "e_value": each.e_value, "alarm": each.alarm}
                for name, each in self.repeats.items()
            },
            "late_slip": {"alert": self.late.alert, "value": self.late.value, "run_length": self.late.run_length},
            "uncounted": self.clients.uncounted(),
            "coverage": self.coverage.rate,
            "largest_session": sessions.largest / sessions.turns if sessions.turns else None,
        }

    # over a restart

    def renewed(self) -> Dossier:
        """The one that begins where this one ends."""
        dossier = Dossier(self.terms)
        dossier._watermark = self._watermark
        return dossier

    def dump(self) -> dict[str, Any]:
        """All but what `Sessions.take` takes, as JSON takes it."""
        return {
            "evidence": {name: each.dump() for name, each in self.evidence.items()},
            "repeats": {name: each.dump() for name, each in self.repeats.items()},
            "late": self.late.dump(),
            "tallies": {name: each.dump() for name, each in self.tallies.items()},
            "later": [(*key, each.dump()) for key, each in self.later.items()],
            "sessions": self.sessions.dump(),
            "segments": self.segments.dump(),
            "values": self._bounded.dump(),
            "coverage": self.coverage.dump(),
            "clients": self.clients.dump(),
        }

    @classmethod
    def restored(cls, terms: Terms, dumped: Mapping[str, Any], taken: Mapping[str, bytes]) -> Dossier:
        """The dossier of which `dump`, and all that was taken of its sessions, told. The terms must be the same."""
        dossier = cls(terms)
        if set(dumped["evidence"]) != set(dossier.evidence):
            return dossier  # of other terms, which begin new evidence
        dossier.evidence = {name: Evidence.load(each) for name, each in dumped["evidence"].items()}
        dossier.repeats = {name: Repeat.load(each) for name, each in dumped["repeats"].items()}
        dossier.late.restore(dumped["late"])
        dossier.tallies = {name: Tally(*each) for name, each in dumped["tallies"].items()}
        dossier.later = {(name, history): Tally(*each) for name, history, each in dumped["later"]}
        dossier.sessions.restore(dumped["sessions"], taken)
        dossier.segments.restore(dumped["segments"])
        dossier._bounded.restore(dumped["values"])
        dossier.coverage.restore(dumped["coverage"])
        dossier.clients.restore(dumped.get("clients", {}))
        for each in terms.guardrails:
            dossier._judge(each)
        return dossier
