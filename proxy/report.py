"""What the workers say of one pair: all that travels from a gateway to control, without any customer text.

Inside one process a `Report` travels as it is; between processes as the bytes of `dumps`, one JSON array of at most
MAX_BYTES. `loads` takes nothing in them on trust: whoever can write to the channel could write anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import orjson

from analyzers.finding import Finding, Measurement, Score

GAP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Upper bounds, in seconds, by which gaps between tokens are counted; +Inf follows."""
MAX_BYTES = 64 * 1024
"""Most bytes of one report."""
MAX_OUTCOMES = 16 * 1024
"""Most characters of what became of the pair at each analyzer."""
MAX_ANALYZERS = 64
MAX_GAPS = 1 << 16

PAIRED = frozenset({"paired", "unserved_baseline", "unserved_candidate", "unserved_both"})
"""Ledger states of a pair both of whose answers are known, if only to be none: each analyzer accounts for it."""
PASSED_OVER = "passed_over"
"""The state of a report on a pair that was not taken for want of room, or for its session's sake."""
UNSENT = "unsent"
"""The state of a report on a sampled request that was asked of one arm alone: there is no pair."""
ENDED = (1 << 63) - 1
"""The low watermark of a process that has ended."""

NONE: Mapping[str, Any] = MappingProxyType({})
"""What became of a pair at no analyzer. One object, by which it is known again."""

T = TypeVar("T")


class Analysis(StrEnum):
    """What became of one pair at one analyzer; each served pair ends in exactly one per analyzer."""

    SCORED = "scored"
    NOT_APPLICABLE = "not_applicable"
    KILLED = "killed"
    """The analyzer overran its budget or failed; its worker was replaced where needed."""
    DROPPED = "dropped"
    """The queue before the workers was full, or they were shut down first."""


_ANALYSES = {str(analysis): analysis for analysis in Analysis}


class ArmReport(NamedTuple):
    """One arm's streaming times, in seconds since the leg's own send."""

    first_token: float | None = None
    gaps: tuple[int, ...] = ()
    """Gaps between tokens, counted by GAP_BUCKETS and +Inf; empty where there were none."""
    gap_seconds: float = 0.0
    """The sum of the gaps."""


class Unmeasured(NamedTuple):
    """A sampled request of which no pair is handed over."""

    arrival: int
    session: str
    primary: str
    state: str
    """The ledger's."""
    segments: tuple[str, ...] = ()

    def report(self, state: str) -> Report:
        """The report on it."""
        about = (self.session, 1.0, self.primary, state)
        return Report("-", *about, NONE, NONE, (), arrival=self.arrival, segments=self.segments)


class Missing(NamedTuple):
    """What X = F(candidate) - F(baseline) can be of a pair that the analyzer applies to and could not judge."""

    analyzer: str
    version: str
    variable: str
    low: float
    high: float


class Mark(NamedTuple):
    """How far one gateway process has told of what it sampled."""

    process: str
    low: int
    """All that it sampled before this has been told of; ENDED where nothing more will come."""


class Report(NamedTuple):
    """Everything control needs to know of one pair."""

    pair_id: str
    session: str
    """Keyed hash of the sticky key; never the key itself."""
    inclusion: float
    """The probability with which this request's session was chosen for mirroring."""
    primary: str
    state: str
    """The pair's ledger state, PASSED_OVER or UNSENT. Only of those in PAIRED do analyses and findings tell."""
    analyses: Mapping[str, Analysis]
    """By analyzer name."""
    seconds: Mapping[str, float]
    """Time spent, by analyzer name, where it ran to its end."""
    findings: tuple[Finding, ...]
    baseline: ArmReport = ArmReport()
    candidate: ArmReport = ArmReport()
    repeat: ArmReport | None = None
    measurements: tuple[Measurement, ...] = ()
    waiting: tuple[str, ...] = ()
    """Analyzers that need further requests first: each is told of in a further report of its own."""
    further: bool = False
    """Whether this only tells what became of one analyzer that the pair's first report said was waiting."""
    missing: tuple[Missing, ...] = ()
    arrival: int = 0
    """When the request arrived: its place among all, whichever process took it."""
    mark: Mark = Mark("", 0)
    """How far the process had told with this report."""
    segments: tuple[str, ...] = ()
    """What kind of request it was, as `attribute=value`."""
    client: str = ""
    """Keyed hash of the client, where the part of the evidence that one may make up is bounded."""


def unanswered(first: Report, analyzer: str) -> Report:
    """The further report of an analyzer that waits in `first` and will never be told of: it was dropped."""
    return Report(*first[:5], analyses={analyzer: Analysis.DROPPED}, seconds={}, findings=(), further=True)


Message = Report | Mark
"""What travels from a gateway process to control, in order."""


class ReportError(ValueError):
    """Bytes that are no report."""


def dumps(report: Report) -> bytes:
    """The report as bytes."""
    arms = (report.baseline, report.candidate, report.repeat)
    findings = [
        (f.analyzer, f.version, f.variable, *map(_score, (f.baseline, f.candidate, f.repeat)))
        for f in report.findings
    ]
    # As a text of its own: the same few outcomes come again and again, and are read once.
    outcomes = orjson.dumps((dict(report.analyses), findings, [tuple(each) for each in report.missing]))
    plain = (
        *report[:5],
        outcomes.decode(),
        dict(report.seconds),
        [None if arm is None else tuple(arm) for arm in arms],
        [(m.analyzer, m.version, m.figures, m.noise) for m in report.measurements],
        report.waiting,
        report.further,
        report.arrival,
        tuple(report.mark),
        report.segments,
        report.client,
    )
    return orjson.dumps(plain)


def loads(body: bytes) -> Report:
    """The report that `dumps` wrote. Raises ReportError."""
    if len(body) > MAX_BYTES:
        raise ReportError("a report of too many bytes")
    try:
        pair_id, session, inclusion, primary, state, outcomes, seconds, arms, measured, *rest = orjson.loads(body)
        waiting, further, arrival, mark, segments, *client = rest
        baseline, candidate, repeat = arms
        analyses, findings, missing = _outcomes(outcomes)
        return Report(
            pair_id=_text(pair_id),
            session=_text(session),
            inclusion=_number(inclusion, most=1.0),
            primary=_word(primary),
            state=_word(state),
            analyses=analyses,
            seconds=_by_name(seconds, _number),
            findings=findings,
            baseline=_arm(*baseline),
            candidate=_arm(*candidate),
            repeat=None if repeat is None else _arm(*repeat),
            measurements=tuple(map(_measurement, _few(measured))),
            waiting=tuple(map(_word, _few(waiting))),
            further=further is True,
            missing=missing,
            arrival=_whole(arrival, ENDED),
            mark=_mark(mark),
            segments=tuple(map(_segment, _few(segments))),
            client=_client(*client),
        )
    except ReportError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError):
        raise ReportError("not a report") from None  # what was wrong may hold anybody's text


@lru_cache(maxsize=4_096)
def _outcomes(told: str) -> tuple[Mapping[str, Analysis], tuple[Finding, ...], tuple[Missing, ...]]:
    """What became of a pair at each analyzer. Reports that tell the same share it."""
    if len(told) > MAX_OUTCOMES:
        raise ReportError("outcomes of too many characters")
    analyses, findings, missing = orjson.loads(told)
    return (
        MappingProxyType(_by_name(analyses, _ANALYSES.__getitem__)),
        tuple(map(_finding, _few(findings))),
        tuple(map(_missing, _few(missing))),
    )


def loads_mark(body: bytes) -> Mark:
    """The mark that `orjson.dumps` wrote. Raises ReportError."""
    try:
        return _mark(orjson.loads(body))
    except (TypeError, ValueError):
        raise ReportError("not a mark") from None


def _mark(raw: Any) -> Mark:
    process, low = raw
    return Mark(_text(process) if process else "", _whole(low, ENDED))


def _missing(raw: Any) -> Missing:
    analyzer, version, variable, low, high = raw
    if not -1.0 <= _figure(low) <= _figure(high) <= 1.0:
        raise ReportError("bounds that are none")
    return Missing(_word(analyzer), _word(version), _word(variable), float(low), float(high))


def _score(score: Score | None) -> tuple[float, str] | None:
    return None if score is None else (score.failed, score.label)


def _finding(raw: Any) -> Finding:
    analyzer, version, variable, baseline, candidate, repeat = raw
    return Finding(
        _word(analyzer),
        _word(version),
        _word(variable),
        _read_score(baseline),
        _read_score(candidate),
        None if repeat is None else _read_score(repeat),
    )


def _measurement(raw: Any) -> Measurement:
    analyzer, version, figures, noise = raw
    return Measurement(
        _word(analyzer), _word(version), tuple(map(_figure, _few(figures))), tuple(map(_figure, _few(noise)))
    )


def _figure(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ReportError("a figure that is none")
    return float(value)


def _read_score(raw: Any) -> Score:
    failed, label = raw
    return Score(_number(failed, most=1.0), _word(label))


def _arm(first: Any, gaps: Any, gap_seconds: Any) -> ArmReport:
    if not isinstance(gaps, list) or len(gaps) not in (0, len(GAP_BUCKETS) + 1):
        raise ReportError("gaps that are not counted by GAP_BUCKETS")
    return ArmReport(
        None if first is None else _number(first),
        tuple(_whole(count, MAX_GAPS) for count in gaps),
        _number(gap_seconds),
    )


def _by_name(raw: Any, value: Callable[[Any], T]) -> dict[str, T]:
    return {_word(name): value(each) for name, each in _few(raw).items()}


def _few(raw: Any) -> Any:
    if len(raw) > MAX_ANALYZERS:
        raise ReportError("more analyzers than there may be")
    return raw


_TEXT = re.compile(r"[\w.:+-]{1,128}", re.ASCII)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise ReportError("a name that is not 1 to 128 letters, digits and .:+-_")
    return value


_CLIENT = re.compile(r"(?:[0-9a-f]{16})?", re.ASCII)


def _client(value: Any = "") -> str:
    """A client's hash, or none; none also in what was written before reports had one."""
    if not isinstance(value, str) or not _CLIENT.fullmatch(value):
        raise ReportError("a client that is none")
    return value


_SEGMENT = re.compile(r"[\w.:+-]{1,64}=[\w.:+/-]{1,64}", re.ASCII)


def _read_segment(value: Any) -> str:
    if not isinstance(value, str) or not _SEGMENT.fullmatch(value):
        raise ReportError("a segment that is none")
    return value


_segment = lru_cache(maxsize=1_024)(_read_segment)
_word = lru_cache(maxsize=1_024)(_text)  # the same few come again and again


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ReportError("a count that is none")
    return value


def _number(value: Any, most: float = math.inf) -> float:
    if type(value) not in (int, float) or not 0 <= value <= most or value == math.inf:
        raise ReportError("a number that is negative or too large")
    return float(value)
