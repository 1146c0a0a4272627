"""What is told of cases, and taken in of labels, the same at the admin port and on the command line."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from cases.case import ANALYZER, LONGEST, Case, Judged, Label, stamp
from cases.divergence import divergence
from cases.pool import Access, Pool

_LISTED = (
    *("pair_id", "at", "subject", "session", "primary", "state", "revision", "path", "segments", "findings"),
    *("measurements", "duplicates", "strata", "labels"),
)


class LabelError(ValueError):
    """A label that cannot be; the text says what would be right."""


def told(case: Case) -> dict[str, Any]:
    """The case as JSON has it."""
    return asdict(case)


def summary(case: Case) -> dict[str, Any]:
    """What a list tells of a case: no texts."""
    whole = told(case)
    return {name: whole[name] for name in _LISTED} | {"divergence": divergence(case.measurements)}


def label_of(judged: object, by: object, note: object = "", analyzer: object = "") -> Label:
    """What a reviewer says now, `by` being who. Raises LabelError."""
    if by == "":
        raise LabelError("by should be the name of whoever judges")
    if not isinstance(judged, str) or judged not in set(Judged):
        raise LabelError(f"judged should be one of {', '.join(Judged)}")
    said = {"by": by, "note": note, "analyzer": analyzer}
    for name, value in said.items():
        if not isinstance(value, str) or len(value) > LONGEST[name] or (name != "note" and not _is_word(value)):
            raise LabelError(f"{name} should be a text of up to {LONGEST[name]} characters")
    if analyzer and not ANALYZER.fullmatch(str(analyzer)):
        raise LabelError("analyzer should be the name of one, such as math.checked")
    return Label(Judged(judged), str(by), stamp(datetime.now(UTC)), str(note), str(analyzer))


def labelled(pool: Pool, pair_id: str, label: Label, by: str) -> Case | None:
    """Keep what a reviewer says of a case, in the access log by `by`; the case with it, None if not kept.

    Raises LabelError where it is about an analyzer that said nothing of the case, and PoolError.
    """
    case = pool.get(pair_id)
    if case is None:
        return None
    if label.analyzer and label.analyzer not in case.judgeable:
        raise LabelError(f"analyzer should be one of {', '.join(case.judgeable) or 'none'}, or left out")
    noted(pool, by, "label", f"case {pair_id}: {label.judged} by {label.by}")
    return pool.label(pair_id, label)


def noted(pool: Pool, by: str, action: str, what: str) -> None:
    """Write into the access log that somebody sees or changes this. Raises PoolError."""
    pool.note(Access(stamp(datetime.now(UTC)), by, action, what))


def _is_word(value: str) -> bool:
    return not value or value.isprintable()
