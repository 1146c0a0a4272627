"""The cases that a filter lets through, and the filter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from rapidfuzz.distance import Prefix

from analyzers.finding import Outcome
from cases.case import Case, Judged
from cases.divergence import divergence
from cases.filter import UNLABELLED, Filter, Order
from proxy.control.console import reasons
from proxy.control.console.case_page import address
from proxy.control.console.chart import percent
from proxy.control.console.conversation import answered, asked
from proxy.control.console.labelling import named
from proxy.control.console.layout import Frame, page
from proxy.control.console.markup import Child, Html, tag

QUOTED = 160
"""Characters of a text that a row shows."""
BEFORE = 24
"""How many of them stand before the first difference."""


class Offered(NamedTuple):
    """What can be filtered by."""

    variables: Sequence[str]
    analyzers: Sequence[str]
    labels: Sequence[str]
    segments: Sequence[str]
    strata: Sequence[str]
    formats: Sequence[str]
    """The forms in which cases can be exported."""


class Listed(NamedTuple):
    """One page of cases."""

    filter: Filter
    cases: Sequence[Case]
    following: str | None
    """The cursor of the next page; None where this is the last."""
    kept: int
    """How many cases there are in all."""


def query(filter_: Filter, **changed: str | None) -> str:
    """The filter as a query, with its `?`; empty where it says nothing."""
    plain = Filter()
    said = {
        name: str(value)
        for name, value in (filter_._asdict() | changed).items()
        if value is not None and value != getattr(plain, name, None)
    }
    return f"?{urlencode(said, errors='replace')}" if said else ""


def case_list(frame: Frame, listed: Listed, offered: Offered) -> str:
    """The page."""
    if not listed.kept:
        return none_kept(frame, "none is kept yet: they come with the first pairs that are scored")
    return page(
        frame,
        "Cases",
        "/cases",
        tag("h1", "Cases"),
        tag(
            "p",
            f"{listed.kept:,} redacted pairs are kept, mostly of those that differ: no rate is read off them here.",
            class_="muted",
        ),
        _filter(listed.filter, offered),
        _found(listed),
        _pages(listed),
        _export(listed.filter, offered) if listed.cases else None,
    )


def none_kept(frame: Frame, why: str) -> str:
    """The page where there is no pool, none that can be read, or nothing in it."""
    said = tag("p", why[0].upper(), why[1:], ".")
    return page(frame, "Cases", "/cases", tag("h1", "Cases"), said)


def not_there(frame: Frame, pair_id: str) -> str:
    """The page of a case that is not, or no longer, kept."""
    said = tag("p", tag("code", pair_id), " is not kept, or no longer.")
    back = tag("p", tag("a", "All cases", href="/cases"))
    return page(frame, "No such case", "/cases", tag("h1", "No such case"), said, back)


def _filter(filter_: Filter, offered: Offered) -> Html:
    fields = [
        _select("variable", "Variable", filter_.variable, offered.variables),
        _select("analyzer", "Analyzer", filter_.analyzer, offered.analyzers),
        _select("label", "Failure", filter_.label, offered.labels),
        _select("judged", "Reviewer says", filter_.judged, (*Judged, UNLABELLED), {UNLABELLED: "nothing yet"}),
        _select("segment", "Segment", filter_.segment, offered.segments),
        _select("stratum", "Stratum", filter_.stratum, offered.strata),
    ]
    orders = {Order.NEWEST: "newest", Order.DIVERGENT: "most divergent"}
    order = tag(
        "label",
        "Order",
        tag("select", [_option(each, name, filter_.order) for each, name in orders.items()], name="order"),
    )
    button = tag("button", "Filter", type="submit")
    clear = tag("a", "Clear", href="/cases", class_="quiet")
    asked = tag("form", fields, order, tag("span", button, clear), method="get", action="/cases", class_="filter")
    return tag("search", asked)


def _select(
    name: str, title: str, chosen: str | None, values: Iterable[str], names: Mapping[str, str] | None = None
) -> Html:
    known = [*values]
    if chosen is not None and chosen not in known:
        known.append(chosen)
    options = [_option(each, (names or {}).get(each, each), chosen) for each in known]
    return tag("label", title, tag("select", tag("option", "any", value=""), options, name=name))


def _option(value: str, name: str, chosen: str | None) -> Html:
    return tag("option", name, value=str(value), selected=value == chosen)


def _found(listed: Listed) -> Html:
    if not listed.cases:
        return tag("p", "No case is like that. ", tag("a", "Show all", href="/cases"), class_="empty")
    rest = query(listed.filter)
    return tag("ol", [_row(case, rest) for case in listed.cases], class_="case-list")


def _row(case: Case, rest: str) -> Html:
    title = " ".join(asked(case.request)[: 2 * QUOTED].split())[:QUOTED] or case.path
    labels = [tag("span", named(each.judged), class_="tagged judged") for each in case.labels]
    return tag(
        "li",
        tag("h2", tag("a", title, href=f"{address(case.pair_id)}{rest}", dir="auto")),
        tag("p", _failures(case), labels, class_="badges"),
        _both(case),
        tag(
            "p",
            tag("time", case.at[:19].replace("T", " "), datetime=case.at),
            f" · apart {percent(divergence(case.measurements))}",
            f" · {case.duplicates} alike" if case.duplicates else None,
            class_="muted small",
        ),
    )


def _failures(case: Case) -> list[Child]:
    """What is the candidate's failure alone first, then what both failed."""
    made: list[tuple[int, Child]] = []
    for each in case.findings:
        failed = each.baseline.outcome is Outcome.FAIL, each.candidate.outcome is Outcome.FAIL
        if failed == (False, False):
            continue
        who, score = {(False, True): ("", each.candidate), (True, False): ("baseline only: ", each.baseline)}.get(
            failed, ("both: ", each.candidate)
        )
        kind = "fail" if failed == (False, True) else "other"
        words = f"{who}{each.variable}: {reasons.words(each.analyzer, score)}"
        made.append((kind != "fail", tag("span", words, class_=f"tagged {kind}")))
    return [badge for _, badge in sorted(made, key=lambda each: each[0])]


def _both(case: Case) -> Html:
    """Both answers around the place where they first differ."""
    one, other = ((answered(each) or [""])[0][:4_000] for each in (case.baseline, case.candidate))
    start = max(0, Prefix.similarity(one, other) - BEFORE) if one != other else 0
    return tag(
        "dl",
        [
            (tag("dt", arm), tag("dd", "…" if start else None, _quoted(said, start), dir="auto"))
            for arm, said in (("baseline", one), ("candidate", other))
        ],
        class_="both",
    )


def _quoted(said: str, start: int) -> Child:
    part = said[start : start + QUOTED]
    return (part, "…" if len(said) > start + QUOTED else None) if part.strip() else "(nothing)"


def _pages(listed: Listed) -> Html:
    first = query(listed.filter, before=None) if listed.filter.before else None
    more = query(listed.filter, before=listed.following) if listed.following else None
    return tag(
        "nav",
        None if first is None else tag("a", "From the beginning", href=f"/cases{first}"),
        None if more is None else tag("a", "More", href=f"/cases{more}", rel="next"),
        aria_label="Pages",
        class_="pages",
    )


def _export(filter_: Filter, offered: Offered) -> Html:
    """All that is filtered, not this page alone."""
    kept = [
        tag("input", type="hidden", name=name, value=str(value))
        for name, value in filter_._asdict().items()
        if name not in ("limit", "before") and value is not None
    ]
    formats = tag("select", [tag("option", each, value=each) for each in offered.formats], name="format")
    return tag(
        "form",
        kept,
        tag("label", "Export what is filtered as", formats),
        tag("button", "Export", type="submit"),
        method="get",
        action="/cases/export",
        class_="export",
    )
