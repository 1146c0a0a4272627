"""What a child sends back: READY, then one answer a task, in order, each a record of fixed size.

A child that has read hostile text may say anything. A record's types are given by its layout, so only ranges are
left to distrust, and `Answers.read` checks them. The child does the arithmetic: variables and labels are places in
the analyzers' own lists, token gaps arrive counted. The same few outcomes come again and again, so those read
lately are kept by their bytes.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from analyzers.finding import Analyzer, Finding, Score
from analyzers.pair import Exchange, Pair
from proxy.report import GAP_BUCKETS, Analysis, ArmReport

READY = b"ready"
"""What a child says first, once it has loaded its analyzers."""
FAILURES = ("error", "memory", "need", "invalid")
"""Why an analyzer came to nothing: it raised, ran out of memory, asked for further requests, broke its contract."""
KNOWN = 4_096
"""Most outcomes remembered by their bytes."""

_OUTCOME = struct.Struct("<BBdBdBdB")
"""Kind, variable, then failed and label of baseline, candidate and repeat."""
_GAPS = struct.Struct(f"<{len(GAP_BUCKETS) + 1}H")
_ARM = f"dd{_GAPS.size}s"
"""First token (UNKNOWN where there is none), sum of the gaps, and their counts."""
_ARM_FIELDS = 3
_NUMBER = struct.Struct("<Q")
_NOT_ASKED, _NOT_APPLICABLE, _SCORED, _SCORED_THRICE, _FAILED = range(5)
"""Kinds of outcome: _SCORED_THRICE has a repeat; _FAILED and above is a place in FAILURES."""
_NO_GAPS = bytes(_GAPS.size)
UNKNOWN = -1.0


class GarbageError(ValueError):
    """A record that no sound child sends."""


class Outcomes(NamedTuple):
    """What the analyzers made of one pair, times apart."""

    asked: int
    """Bit n is set where the n-th analyzer ran."""
    analyses: Mapping[str, Analysis]
    findings: tuple[Finding, ...]
    timed: tuple[tuple[int, str], ...]
    """Place and name of the analyzers that ran to their end."""
    failures: tuple[tuple[str, str], ...]
    """Analyzer, and one of FAILURES."""
    repeated: bool
    """Whether a finding speaks of a repeat."""


Answer = tuple[Outcomes, tuple[float, ...], ArmReport, ArmReport, ArmReport | None]
"""One record, read: outcomes, seconds by the analyzers' order, and what baseline, candidate and repeat spent."""


class Answers:
    """The records of children that run these analyzers."""

    def __init__(self, analyzers: Sequence[Analyzer]) -> None:
        self._analyzers = tuple(analyzers)
        self._labels = [sorted(analyzer.labels) for analyzer in analyzers]
        count = len(self._analyzers)
        self._record = struct.Struct(f"<Q{count}d{_ARM * 3}{_OUTCOME.size * count}s")
        """The task's number, the analyzers' times, three arms, the analyzers' outcomes."""
        self._arms_at = 1 + count
        self.size = self._record.size
        """Bytes of one record."""
        self._known: dict[bytes, Outcomes] = {}

    # The child's side.

    def outcome(self, position: int, finding: Finding) -> bytes:
        """A finding of the analyzer at this place; raises whatever where it breaks the analyzer's contract."""
        analyzer, labels = self._analyzers[position], self._labels[position]
        scores: list[float] = []
        for score in (finding.baseline, finding.candidate, finding.repeat or Score(0.0, labels[0])):
            if type(score.failed) not in (int, float) or not 0.0 <= score.failed <= 1.0:
                raise ValueError("a score that is none")
            scores += (score.failed, labels.index(score.label))
        kind = _SCORED if finding.repeat is None else _SCORED_THRICE
        return _OUTCOME.pack(kind, analyzer.variables.index(finding.variable), *scores)

    def write(self, number: int, outcomes: Iterable[bytes], seconds: Iterable[float], pair: Pair) -> bytes:
        """The record of one task."""
        arms = (*_arm(pair.baseline), *_arm(pair.candidate), *_arm(pair.repeat or pair.baseline))
        return self._record.pack(number, *seconds, *arms, b"".join(outcomes))

    # The parent's side.

    def begins(self, buffer: bytes, at: int, number: int) -> bool:
        """Whether what is there of a record at this place may be of this task's."""
        there = buffer[at : at + _NUMBER.size]
        return _NUMBER.pack(number).startswith(there)

    def read(self, buffer: bytes, at: int, number: int, *, repeated: bool) -> Answer:
        """The whole record at this place, of this task, whose pair has a repeat or not. Raises GarbageError."""
        told = self._record.unpack_from(buffer, at)
        arms_at = self._arms_at
        seconds = told[1:arms_at]
        if told[0] != number:
            raise GarbageError("answers something else")
        if not (min(seconds, default=0.0) >= 0.0 and sum(seconds) < math.inf):  # NaN is caught by the sum
            raise GarbageError("not a time")
        outcomes = self._known.get(told[-1]) or self._read_outcomes(told[-1])
        if outcomes.repeated and not repeated:
            raise GarbageError("speaks of a repeat that was not made")
        candidate_at = arms_at + _ARM_FIELDS
        repeat_at = candidate_at + _ARM_FIELDS
        return (
            outcomes,
            seconds,
            _read_arm(*told[arms_at:candidate_at]),
            _read_arm(*told[candidate_at:repeat_at]),
            _read_arm(*told[repeat_at:-1]) if repeated else None,
        )

    def _read_outcomes(self, told: bytes) -> Outcomes:
        asked, again = 0, False
        analyses, findings = dict[str, Analysis](), list[Finding]()
        timed, failures = list[tuple[int, str]](), list[tuple[str, str]]()
        for position, (kind, *said) in enumerate(_OUTCOME.iter_unpack(told)):
            name = self._analyzers[position].name
            asked |= (kind != _NOT_ASKED) << position
            if kind == _NOT_APPLICABLE:
                analyses[name] = Analysis.NOT_APPLICABLE
            elif kind in (_SCORED, _SCORED_THRICE):
                analyses[name] = Analysis.SCORED
                findings.append(self._finding(position, *said[: 5 if kind == _SCORED else 7]))
                timed.append((position, name))
                again |= kind == _SCORED_THRICE
            elif kind != _NOT_ASKED:
                if kind - _FAILED >= len(FAILURES):
                    raise GarbageError("an unknown kind of outcome")
                analyses[name] = Analysis.KILLED
                failures.append((name, FAILURES[kind - _FAILED]))
        kept = MappingProxyType(analyses)
        outcomes = Outcomes(asked, kept, tuple(findings), tuple(timed), tuple(failures), again)
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[told] = outcomes
        return outcomes

    def _finding(self, position: int, variable: int, *said: float) -> Finding:
        analyzer, labels = self._analyzers[position], self._labels[position]
        try:
            named = analyzer.variables[variable]
            baseline, candidate, *repeat = (
                Score(failed, labels[int(label)]) for failed, label in zip(said[::2], said[1::2], strict=True)
            )
        except IndexError:
            raise GarbageError("an undeclared variable or label") from None
        if not all(0.0 <= failed <= 1.0 for failed in said[::2]):
            raise GarbageError("a score that is none")
        again = repeat[0] if repeat else None
        return Finding(analyzer.name, analyzer.version, named, baseline, candidate, again)


NOT_ASKED = _OUTCOME.pack(_NOT_ASKED, *[0] * 7)
NOT_APPLICABLE = _OUTCOME.pack(_NOT_APPLICABLE, *[0] * 7)
FAILED = {failure: _OUTCOME.pack(_FAILED + code, *[0] * 7) for code, failure in enumerate(FAILURES)}
"""The child's words for an outcome that is no finding."""


def _arm(exchange: Exchange) -> tuple[float, float, bytes]:
    counts = [0] * (len(GAP_BUCKETS) + 1)
    for gap in exchange.gaps:
        counts[bisect_left(GAP_BUCKETS, gap)] += 1
    first = UNKNOWN if exchange.first_token is None else exchange.first_token
    return first, sum(exchange.gaps), _GAPS.pack(*counts)


def _read_arm(first: float, gap_seconds: float, gaps: bytes) -> ArmReport:
    if not (0.0 <= gap_seconds < math.inf and (0.0 <= first < math.inf or first == UNKNOWN)):
        raise GarbageError("not a time")
    counts = () if gaps == _NO_GAPS else _GAPS.unpack(gaps)
    return ArmReport(None if first == UNKNOWN else first, counts, gap_seconds)
