"""Which cases are wanted, and in which order: one filter for pool, admin port, console and export. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from analyzers.finding import Outcome
from cases.case import Case, Judged
from cases.divergence import divergence

MOST = 1_000
"""Most cases at once; the cursor gets the next."""
LONGEST = 256
UNLABELLED = "none"
"""What `judged` says where nobody has judged."""
_WORD = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)")
_DIVERGENCE = re.compile(r"[0-9]+(\.[0-9]+)?")


class FilterError(ValueError):
    """A filter that cannot be; the text says what would be right."""


class Order(StrEnum):
    """Which case comes first."""

    NEWEST = "newest"
    DIVERGENT = "divergent"
    """The answers that lie furthest apart; see `cases.divergence`."""


class Filter(NamedTuple):
    """Cases for which all holds that is not None."""

    analyzer: str | None = None
    """An answer failed at this analyzer."""
    variable: str | None = None
    """An answer failed by this variable."""
    label: str | None = None
    """An answer failed with this label."""
    judged: str | None = None
    """A reviewer said this; one of `Judged`, or UNLABELLED."""
    segment: str | None = None
    """It is of this segment, as `attribute=value`."""
    stratum: str | None = None
    """It is kept in this stratum."""
    order: Order = Order.NEWEST
    limit: int = 50
    before: str | None = None
    """A cursor: only what comes after the case that gave it; see `cursor`."""

    def holds(self, case: Case) -> bool:
        """Whether a case is wanted, order and cursor apart."""
        return (
            (self.judged is None or _judged(case, self.judged))
            and (self.segment is None or self.segment in case.segments)
            and (self.stratum is None or any(each.name == self.stratum for each in case.strata))
            and (
                (self.analyzer, self.variable, self.label) == (None, None, None)
                or any(
                    self.analyzer in (None, analyzer)
                    and self.variable in (None, variable)
                    and self.label in (None, label)
                    for analyzer, variable, label in failures(case)
                )
            )
        )


def failures(case: Case) -> tuple[tuple[str, str, str], ...]:
    """Analyzer, variable and label of every answer of an arm that failed."""
    return tuple(
        (finding.analyzer, finding.variable, score.label)
        for finding in case.findings
        for score in (finding.baseline, finding.candidate)
        if score.outcome is Outcome.FAIL
    )


def cursor(case: Case, order: Order) -> str:
    """Where a case stands in an order, as `Filter.before` takes it. It stays good when the case is gone."""
    at = case.at if order is Order.NEWEST else f"{divergence(case.measurements):.6f}"
    return f"{at}~{case.pair_id}"


def place(case: Case, order: Order) -> tuple[float | str, str]:
    """By what cases are sorted, the greatest first."""
    return (case.at if order is Order.NEWEST else round(divergence(case.measurements), 6), case.pair_id)


def after(given: Filter) -> tuple[float | str, str] | None:
    """The cursor as a place; None where there is none. Raises FilterError."""
    if given.before is None:
        return None
    at, _, pair_id = given.before.rpartition("~")
    if pair_id and given.order is Order.NEWEST and _MOMENT.fullmatch(at):
        return at, pair_id
    if pair_id and given.order is Order.DIVERGENT and _DIVERGENCE.fullmatch(at):
        return float(at), pair_id
    raise FilterError("before should be the cursor of an earlier answer in the same order")


def read(query: Mapping[str, str]) -> Filter:
    """The filter that query parameters or command-line options name. Raises FilterError."""
    named(query, Filter._fields)
    for name, value in query.items():
        if not _WORD.fullmatch(value):
            raise FilterError(f"{name} should be 1 to {LONGEST} characters without control characters")
    words = {name: query.get(name) for name in ("analyzer", "variable", "label", "segment", "stratum", "before")}
    found = Filter(**words, judged=_judgement(query), order=_order(query), limit=limit(query, 50))
    after(found)
    return found


def named(query: Mapping[str, str], known: Collection[str]) -> None:
    """See that nothing else is asked for. Raises FilterError."""
    unknown = sorted(set(query) - set(known))
    if unknown:
        raise FilterError(f"no parameter is named {unknown[0][:40]!r}; there are {', '.join(known)}")


def limit(query: Mapping[str, str], usual: int) -> int:
    """How many are wanted at most, `usual` where it is not said. Raises FilterError."""
    most = query.get("limit", str(usual))
    if not re.fullmatch(r"[0-9]{1,6}", most) or not 1 <= int(most) <= MOST:
        raise FilterError(f"limit should be a whole number from 1 to {MOST}")
    return int(most)


def _judgement(query: Mapping[str, str]) -> str | None:
    judged, known = query.get("judged"), (*Judged, UNLABELLED)
    if judged is not None and judged not in known:
        raise FilterError(f"judged should be one of {', '.join(known)}")
    return judged


def _order(query: Mapping[str, str]) -> Order:
    try:
        return Order(query.get("order", Order.NEWEST))
    except ValueError:
        raise FilterError(f"order should be one of {', '.join(Order)}") from None


def _judged(case: Case, judged: str) -> bool:
    return not case.labels if judged == UNLABELLED else any(each.judged == judged for each in case.labels)
