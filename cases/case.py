"""A case: a redacted pair with what the analyzers said of it, kept as a future eval case.

The one form in which a customer's words are kept. It is made beside the gateway, redacted before it leaves the
process that made it, and travels and rests as the JSON of `dumps`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from analyzers.finding import Finding, Measurement
from analyzers.pair import Choice


class Judged(StrEnum):
    """What a reviewer says of a case."""

    SLIP = "slip"
    """The candidate's answer is worse, as the analyzer says."""
    NOISE = "noise"
    """The answers differ, and neither is worse."""
    BOTH_BAD = "both_bad"
    """The baseline failed as well: nothing was lost."""
    ANALYZER_WRONG = "analyzer_wrong"
    """What was found is not there."""


LONGEST: Final = {"note": 1_000, "by": 64, "analyzer": 64}
"""Most characters of what a label says."""
ANALYZER: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
"""An analyzer's name, a variable's, or a failure label's."""


@dataclass(frozen=True, slots=True)
class Label:
    """One reviewer's judgement. A later one by the same reviewer replaces it."""

    judged: Judged
    by: str
    at: str
    """ISO 8601, UTC."""
    note: str = ""
    analyzer: str = ""
    """The analyzer it is about; empty where it is about the pair as a whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One arm's answer. Times are seconds since its leg's own send."""

    end: str
    """How it ended: a word of `analyzers.pair.End`."""
    status: int | None = None
    choices: tuple[Choice, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token: float | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Stratum:
    """One part of the pool that holds a case, and how likely this case was to come into it."""

    name: str
    """`uniform`, or `analyzer variable:label of the failure`."""
    probability: float
    """Inclusion probability, in (0, 1]; its inverse is the number of pairs that the case stands for."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kept pair. Texts are redacted, and empty where texts are not stored."""

    pair_id: str
    at: str
    """When it was made: ISO 8601, UTC."""
    subject: str
    """Keyed hash of the client's identity, by which its cases can be erased; never the identity itself."""
    session: str
    """Keyed hash of the sticky key."""
    primary: str
    """Which arm the client's answer came from."""
    state: str
    """The ledger's."""
    inclusion: float
    """The probability with which the request's session was mirrored."""
    revision: str
    """The candidate's, as declared."""
    path: str
    request: Mapping[str, Any]
    """The redacted body."""
    headers: Mapping[str, str]
    """The few request headers analyzers may see, redacted."""
    baseline: Answer
    candidate: Answer
    repeat: Answer | None = None
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    segments: tuple[str, ...] = ()
    """What kind of request it is, as `attribute=value`."""
    redacted: Mapping[str, int] = field(default_factory=dict)
    """How many spans were replaced, by kind."""
    texts: bool = True
    """False where texts are not stored: the shape of the request is kept and every text in it is empty."""
    duplicates: int = 0
    """How many near-duplicates were counted on this case instead of being kept."""
    strata: tuple[Stratum, ...] = ()
    labels: tuple[Label, ...] = ()

    @property
    def judgeable(self) -> tuple[str, ...]:
        """The analyzers that a label may be about: those that have said something of its answers."""
        return tuple(dict.fromkeys(each.analyzer for each in self.findings))

    def labelled(self, label: Label) -> Case:
        """The case with one more label, in place of what the same reviewer said of the same analyzer."""
        kept = tuple(each for each in self.labels if (each.by, each.analyzer) != (label.by, label.analyzer))
        return replace(self, labels=(*kept, label))


class CaseError(ValueError):
    """Bytes that are no case."""


def stamp(at: datetime) -> str:
    """A moment as cases carry it: ISO 8601, UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dumps(case: Case) -> bytes:
    """The case as one line of JSON."""
    return orjson.dumps(case)


def loads(body: bytes) -> Case:
    """The case that `dumps` wrote, every type checked. Raises CaseError, whose words hold nothing of the bytes."""
    try:
        case = _READ.validate_json(body, strict=True)
    except ValidationError:
        raise CaseError("not a case") from None
    if not 0.0 < case.inclusion <= 1.0 or not all(0.0 < each.probability <= 1.0 for each in case.strata):
        raise CaseError("not a case")
    return case


_READ = TypeAdapter(Case)
