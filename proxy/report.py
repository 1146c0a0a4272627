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
from typing import Any, NamedTuple, TypeVar

import orjson

from analyzers.finding import Finding, Score

GAP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Upper bounds, in seconds, by which gaps between tokens are counted; +Inf follows."""
MAX_BYTES = 64 * 1024
"""Most bytes of one report."""
MAX_ANALYZERS = 64
MAX_GAPS = 1 << 16

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


class Report(NamedTuple):
    """Everything control needs to know of one pair."""

    pair_id: str
    session: str
    """Keyed hash of the sticky key; never the key itself."""
    inclusion: float
    """The probability with which this request's session was chosen for mirroring."""
    primary: str
    state: str
    """The pair's ledger state: "paired" or one of "unserved_*"."""
    analyses: Mapping[str, Analysis]
    """By analyzer name."""
    seconds: Mapping[str, float]
    """Time spent, by analyzer name, where it ran to its end."""
    findings: tuple[Finding, ...]
    baseline: ArmReport = ArmReport()
    candidate: ArmReport = ArmReport()
    repeat: ArmReport | None = None


class ReportError(ValueError):
    """Bytes that are no report."""


def dumps(report: Report) -> bytes:
    """The report as bytes."""
    arms = (report.baseline, report.candidate, report.repeat)
    plain = (
        *report[:5],
        dict(report.analyses),
        dict(report.seconds),
        [
            (f.analyzer, f.version, f.variable, *map(_score, (f.baseline, f.candidate, f.repeat)))
            for f in report.findings
        ],
        [None if arm is None else tuple(arm) for arm in arms],
    )
    return orjson.dumps(plain)


def loads(body: bytes) -> Report:
    """The report that `dumps` wrote. Raises ReportError."""
    if len(body) > MAX_BYTES:
        raise ReportError("a report of too many bytes")
    try:
        pair_id, session, inclusion, primary, state, analyses, seconds, findings, arms = orjson.loads(body)
        baseline, candidate, repeat = arms
        return Report(
            pair_id=_text(pair_id),
            session=_text(session),
            inclusion=_number(inclusion, most=1.0),
            primary=_word(primary),
            state=_word(state),
            analyses=_by_name(analyses, _ANALYSES.__getitem__),
            seconds=_by_name(seconds, _number),
            findings=tuple(map(_finding, _few(findings))),
            baseline=_arm(*baseline),
            candidate=_arm(*candidate),
            repeat=None if repeat is None else _arm(*repeat),
        )
    except ReportError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError):
        raise ReportError("not a report") from None  # what was wrong may hold anybody's text


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


_word = lru_cache(maxsize=1_024)(_text)  # the same few come again and again


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ReportError("a count that is none")
    return value


def _number(value: Any, most: float = math.inf) -> float:
    if type(value) not in (int, float) or not 0 <= value <= most or value == math.inf:
        raise ReportError("a number that is negative or too large")
    return float(value)
