"""What a child sends back: READY, then one answer a task, in order: a record of fixed size, needs, and a case.

A child that has read hostile text may say anything. A record's types are given by its layout, so only ranges are
left to distrust, and `Answers.read` checks them. The child does the arithmetic: variables and labels are places in
the analyzers' own lists, token gaps arrive counted. The same few outcomes come again and again, so those read
lately are kept by their bytes. Further requests that analyzers need follow the record as JSON, which is bounded and
read as strictly; what they may ask of a server is decided in `proxy.probes`.
"""

from __future__ import annotations

import math
import re
import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from analyzers.finding import Analyzer, Finding, Measurement, Need, NotApplicable, Probe, Score
from analyzers.pair import Exchange, Pair
from analyzers.scoring import Bounds
from proxy.report import GAP_BUCKETS, Analysis, ArmReport, Missing
from proxy.workers import needs

READY = b"ready"
"""What a child says first, once it has loaded its analyzers."""
FAILURES = ("error", "memory", "need", "invalid")
"""Why an analyzer came to nothing: it raised, ran out of memory, needed more than it may, broke its contract."""
KNOWN = 4_096
"""Most outcomes remembered by their bytes."""
MAX_CASE = 1024 * 1024
"""Most bytes of a case."""
UNREDACTED = b"-"
"""Stands for a case that could not be redacted."""
NOT_DRAWN = "not_drawn"
"""Why an analyzer did not apply that needs further requests and has a share of pairs to ask them for."""

_OUTCOME = struct.Struct("<BBdBdBdB")
"""Kind, variable, then failed and label of baseline, candidate and repeat."""
_GAPS = struct.Struct(f"<{len(GAP_BUCKETS) + 1}H")
_ARM = f"dd{_GAPS.size}s"
"""First token (UNKNOWN where there is none), sum of the gaps, and their counts."""
_ARM_FIELDS = 3
_NUMBER = struct.Struct("<Q")
_SIZES = struct.Struct("<QQ")
_NOT_ASKED, _NOT_APPLICABLE, _SCORED, _SCORED_THRICE, _MEASURED, _NEEDS, _MISSING, _FAILED = range(8)
"""Kinds of outcome: _SCORED_THRICE has a repeat; _FAILED and above is a place in FAILURES.

Of _MISSING, and of what failed where the last label is 1, the variable and the first two scores tell what X can be.
Of _NOT_APPLICABLE the variable says why: 0 nothing, _UNDRAWN by the draw, else one more than the label's place.
"""
_UNDRAWN = 255
_LANGUAGE = 8
"""Most letters of a language's code."""
_CODE = re.compile(rb"[a-z-]*")
_NO_GAPS = bytes(_GAPS.size)
_NO_LANGUAGE = bytes(_LANGUAGE)
UNKNOWN = -1.0
UNKNOWN_FIGURE = math.nan


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
    unfit: tuple[tuple[str, str], ...]
    """Analyzer, and why the pair is not applicable to it, where it said so."""
    measured: tuple[int, ...]
    """Places of the analyzers that made a measurement."""
    needs: tuple[int, ...]
    """Places of those that need further requests first: they have no analysis yet."""
    missing: tuple[Missing, ...]
    """What X can be where it is not known."""
    repeated: bool
    """Whether a finding speaks of a repeat."""


class Answer(NamedTuple):
    """One record, read."""

    outcomes: Outcomes
    seconds: tuple[float, ...]
    """By the analyzers' order."""
    baseline: ArmReport
    candidate: ArmReport
    repeat: ArmReport | None
    measurements: tuple[Measurement, ...]
    needs: tuple[tuple[str, tuple[Probe, ...]], ...]
    """By analyzer, what it needs."""
    language: str
    """The code of the request's language; empty where it is not plain, or was not asked for."""
    case: bytes = b""
    """What may be kept of the pair, redacted, see `proxy.workers.keeping`; unread here."""


class Answers:
    """The records of children that run these analyzers."""

    def __init__(self, analyzers: Sequence[Analyzer]) -> None:
        self._analyzers = tuple(analyzers)
        self._labels = [sorted(analyzer.labels) for analyzer in analyzers]
        count = len(self._analyzers)
        figures = sum(len(analyzer.figures) for analyzer in analyzers)
        self._record = struct.Struct(f"<Q{count}d{_ARM * 3}{2 * figures}d{_LANGUAGE}s{_OUTCOME.size * count}sQQ")
        """Task, times, three arms, figures and noise, language, outcomes, bytes of needs and of a case."""
        self._arms_at = 1 + count
        self._figures_at = self._arms_at + 3 * _ARM_FIELDS
        self.size = self._record.size
        """Bytes of one record, less what follows it."""
        self._figures = list[tuple[int, int, int]]()
        """Where an analyzer's figures, their noise, and the next one's begin among all."""
        at = 0
        for analyzer in self._analyzers:
            count = len(analyzer.figures)
            self._figures.append((at, at + count, at + 2 * count))
            at += 2 * count
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

    def unfit(self, position: int, found: NotApplicable) -> bytes:
        """That the pair is not applicable to the analyzer at this place. Raises ValueError as `outcome` does."""
        return _OUTCOME.pack(_NOT_APPLICABLE, self._labels[position].index(found.why) + 1, *[0] * 6)

    def missing(self, position: int, found: Bounds, failure: str | None = None) -> bytes:
        """The least and most X can be, also where the analyzer failed. Raises ValueError as `outcome` does."""
        kind = _MISSING if failure is None else _FAILED + FAILURES.index(failure)
        variable = self._analyzers[position].variables.index(found.variable)
        if not -1.0 <= found.low <= found.high <= 1.0:
            raise ValueError("bounds that are none")
        return _OUTCOME.pack(kind, variable, found.low, 0, found.high, 0, 0.0, 1)

    def measured(self, position: int, found: Measurement) -> tuple[float, ...]:
        """The figures and their noise, as `write` takes them. Raises ValueError as `outcome` does."""
        figures = len(self._analyzers[position].figures)
        told = (*found.figures, *(found.noise or (UNKNOWN_FIGURE,) * figures))
        sound = all(type(value) is float and math.isfinite(value) for value in (*found.figures, *found.noise))
        if not figures or len(found.figures) != figures or len(told) != 2 * figures or not sound:
            raise ValueError("a measurement that is none")
        return told

    def write(
        self,
        number: int,
        outcomes: Iterable[bytes],
        seconds: Iterable[float],
        pair: Pair,
        *,
        measured: Mapping[int, tuple[float, ...]] = MappingProxyType({}),
        needed: Mapping[int, Need] = MappingProxyType({}),
        language: str = "",
        case: bytes = b"",
    ) -> bytes:
        """The record of one task; `measured` and `needed` by the analyzer's place."""
        baseline = _arm(pair.baseline)
        arms = (*baseline, *_arm(pair.candidate), *(baseline if pair.repeat is None else _arm(pair.repeat)))
        figures: list[float] = []
        for position, analyzer in enumerate(self._analyzers):
            figures += measured.get(position) or (UNKNOWN_FIGURE,) * (2 * len(analyzer.figures))
        asked = needs.dumps(needed)
        said = language.encode()
        sizes = (len(asked), len(case))
        return self._record.pack(number, *seconds, *arms, *figures, said, b"".join(outcomes), *sizes) + asked + case

    # The parent's side.

    def begins(self, buffer: bytes, at: int, number: int) -> bool:
        """Whether what is there of a record at this place may be of this task's."""
        there = buffer[at : at + _NUMBER.size]
        return _NUMBER.pack(number).startswith(there)

    def length(self, buffer: bytes, at: int) -> int:
        """Bytes of the record at this place with what follows it; more than there are where it is not whole.

        Raises GarbageError.
        """
        end = at + self.size
        if len(buffer) < end:
            return self.size
        needed, case = _SIZES.unpack_from(buffer, end - _SIZES.size)
        if needed > needs.MAX_BYTES or case > MAX_CASE:
            raise GarbageError("needs too much, or a case that is too large")
        return self.size + int(needed) + int(case)

    def read(self, buffer: bytes, at: int, number: int, *, repeated: bool) -> Answer:
        """The whole record at this place, of this task, whose pair has a repeat or not. Raises GarbageError."""
        told = self._record.unpack_from(buffer, at)
        arms_at = self._arms_at
        seconds = told[1:arms_at]
        if told[0] != number:
            raise GarbageError("answers something else")
        if not (min(seconds, default=0.0) >= 0.0 and sum(seconds) < math.inf):  # NaN is caught by the sum
            raise GarbageError("not a time")
        language, said, needed, case = told[-4:]
        outcomes = self._known.get(said) or self._read_outcomes(said)
        if outcomes.repeated and not repeated:
            raise GarbageError("speaks of a repeat that was not made")
        candidate_at = arms_at + _ARM_FIELDS
        repeat_at = candidate_at + _ARM_FIELDS
        figures_at = self._figures_at
        return Answer(
            outcomes,
            seconds,
            _read_arm(*told[arms_at:candidate_at]),
            _read_arm(*told[candidate_at:repeat_at]),
            _read_arm(*told[repeat_at:figures_at]) if repeated else None,
            self._read_measured(outcomes.measured, told[figures_at:-4], repeated=repeated)
            if outcomes.measured
            else (),
            self._read_needs(outcomes.needs, buffer[at + self.size : at + self.size + needed])
            if outcomes.needs or needed
            else (),
            "" if language == _NO_LANGUAGE else _read_language(language),
            buffer[at + self.size + needed : at + self.size + needed + case] if case else b"",
        )

    def _read_measured(
        self, places: tuple[int, ...], told: tuple[float, ...], *, repeated: bool
    ) -> tuple[Measurement, ...]:
        found = []
        for position in places:
            analyzer, (begin, middle, end) = self._analyzers[position], self._figures[position]
            figures, noise = told[begin:middle], told[middle:end]
            known = not math.isnan(noise[0])
            if not all(map(math.isfinite, told[begin:end] if known else figures)) or (known and not repeated):
                raise GarbageError("a figure that is none")
            found.append(Measurement(analyzer.name, analyzer.version, figures, noise if known else ()))
        return tuple(found)

    def _read_needs(self, places: tuple[int, ...], told: bytes) -> tuple[tuple[str, tuple[Probe, ...]], ...]:
        try:
            found = needs.loads(told)
        except ValueError:
            raise GarbageError("needs that are none") from None
        if tuple(found) != places:
            raise GarbageError("needs of others")
        return tuple((self._analyzers[position].name, probes) for position, probes in found.items())

    def _read_outcomes(self, told: bytes) -> Outcomes:
        asked, again = 0, False
        analyses, findings = dict[str, Analysis](), list[Finding]()
        timed, failures = list[tuple[int, str]](), list[tuple[str, str]]()
        unfit, measured, needing = list[tuple[str, str]](), list[int](), list[int]()
        missing = list[Missing]()
        for position, (kind, *said) in enumerate(_OUTCOME.iter_unpack(told)):
            name = self._analyzers[position].name
            asked |= (kind != _NOT_ASKED) << position
            if kind == _NOT_APPLICABLE:
                analyses[name] = Analysis.NOT_APPLICABLE
                if said[0]:
                    unfit.append((name, self._why(position, int(said[0]))))
            elif kind == _MEASURED:
                if not self._analyzers[position].figures:
                    raise GarbageError("a measurement of nothing")
                analyses[name] = Analysis.SCORED
                measured.append(position)
                timed.append((position, name))
            elif kind == _NEEDS:
                needing.append(position)
            elif kind == _MISSING:
                analyses[name] = Analysis.KILLED
                missing.append(self._missing(position, *said))
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
                if said[-1]:
                    missing.append(self._missing(position, *said))
        kept = MappingProxyType(analyses)
        told_of = (tuple(failures), tuple(unfit), tuple(measured), tuple(needing), tuple(missing))
        outcomes = Outcomes(asked, kept, tuple(findings), tuple(timed), *told_of, again)
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[told] = outcomes
        return outcomes

    def _why(self, position: int, said: int) -> str:
        if said == _UNDRAWN:
            return NOT_DRAWN
        if said > len(self._labels[position]):
            raise GarbageError("an undeclared label")
        return self._labels[position][said - 1]

    def _missing(self, position: int, variable: int, low: float, _: float, high: float, *__: float) -> Missing:
        analyzer = self._analyzers[position]
        if variable >= len(analyzer.variables) or not -1.0 <= low <= high <= 1.0:
            raise GarbageError("bounds that are none")
        return Missing(analyzer.name, analyzer.version, analyzer.variables[variable], low, high)

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
UNDRAWN = _OUTCOME.pack(_NOT_APPLICABLE, _UNDRAWN, *[0] * 6)
MEASURED = _OUTCOME.pack(_MEASURED, *[0] * 7)
NEEDS = _OUTCOME.pack(_NEEDS, *[0] * 7)
FAILED = {failure: _OUTCOME.pack(_FAILED + code, *[0] * 7) for code, failure in enumerate(FAILURES)}
"""The child's words for an outcome that is no finding."""


def _read_language(told: bytes) -> str:
    code = told.rstrip(b"\x00")
    if not _CODE.fullmatch(code):
        raise GarbageError("no language")
    return code.decode()


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
