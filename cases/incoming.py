"""Cases from elsewhere, before they come into the pool: they may be anybody's bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from analyzers.finding import Finding
from analyzers.pair import End
from cases.case import ANALYZER, LONGEST, Case, CaseError, dumps, loads, stamp
from cases.redaction import Find, RedactorError, redact_again

_NAME = re.compile(r"[\w.:+/-]{0,128}", re.ASCII)
_SEGMENT = re.compile(r"[\w.:+-]{1,64}=[\w.:+/-]{1,64}", re.ASCII)
_STRATUM = re.compile(r"[a-z][a-z0-9_.]{0,63}(?::[a-z][a-z0-9_.]{0,63})?")
MOST_SEGMENTS = 64
MOST_LABELS = 64
MOST_DUPLICATES = 1_000_000_000


class Incoming(NamedTuple):
    """What became of a file's lines."""

    cases: list[Case]
    """Redacted, and fit to be offered."""
    refused: dict[int, str]
    """By the number of its line, counted from 1, why one is not."""


def incoming(
    lines: Iterable[bytes], own: Find | None = None, *, store_text: bool = True, excluded: Container[str] = ()
) -> Incoming:
    """The cases of lines as `slipgauge cases export` writes them; empty lines are passed over.

    One that is wrong keeps none of the others out. Those of `excluded` subjects are left out without a word.
    """
    found = Incoming([], {})
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = checked(loads(line))
            if case.subject not in excluded:
                found.cases.append(redact_again(case, own, store_text=store_text))
        except (CaseError, RedactorError) as error:
            found.refused[number] = str(error)
    return found


def checked(case: Case) -> Case:
    """The case with its time as the pool writes it. Raises CaseError, which says what is wrong."""
    for name in ("pair_id", "subject", "session", "primary", "state", "revision", "path"):
        if not _NAME.fullmatch(getattr(case, name)):
            raise CaseError(f"{name} should be up to 128 letters, digits and .:+/-_")
    if len(case.segments) > MOST_SEGMENTS or not all(map(_SEGMENT.fullmatch, case.segments)):
        raise CaseError(f"segments should be up to {MOST_SEGMENTS} of the form attribute=value")
    said = [each for found in case.findings for each in (found.analyzer, found.variable, *_labels(found))]
    said += [each.analyzer for each in case.measurements]
    if not all(map(ANALYZER.fullmatch, said)) or not all(_STRATUM.fullmatch(each.name) for each in case.strata):
        raise CaseError("a finding or a stratum has a name that is none")
    if len(case.labels) > MOST_LABELS:
        raise CaseError(f"has more than {MOST_LABELS} labels")
    for label in case.labels:
        note, by = LONGEST["note"], LONGEST["by"]
        if len(label.note) > note or len(label.by) > by or not label.by.isprintable():
            raise CaseError(f"a label has a note of more than {note} characters, or a name of more than {by}")
        if label.analyzer and label.analyzer not in case.judgeable:
            raise CaseError("a label is about an analyzer that has said nothing of the case")
        _time(label.at)
    if not {each.end for each in (case.baseline, case.candidate, case.repeat) if each is not None} <= set(End):
        raise CaseError(f"an answer's end should be one of {', '.join(End)}")
    if not 0 <= case.duplicates <= MOST_DUPLICATES:
        raise CaseError(f"duplicates should be from 0 to {MOST_DUPLICATES}")
    case = replace(case, at=_time(case.at))
    try:
        return loads(dumps(case))  # a number that JSON cannot write would make it unreadable in the pool
    except (TypeError, CaseError):
        raise CaseError("holds a number that JSON cannot write, such as one above 64 bits") from None


def _labels(finding: Finding) -> list[str]:
    return [each.label for each in (finding.baseline, finding.candidate, finding.repeat) if each is not None]


def _time(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CaseError("a time should be ISO 8601") from None
    return stamp(found)
