"""The guardrails as a table, each over time, and each in its segments. Pure.

Rows are those of `GET /verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.control.console import chart
from proxy.control.console.chart import Scale, percent
from proxy.control.console.history import Slip
from proxy.control.console.layout import table
from proxy.control.console.markup import NOTHING, Child, Html, tag

Row = Mapping[str, Any]
SIGNS = {"pass": "✓", "fail": "✕", "inconclusive": "≈", "no_data": "○"}
ORDER = ("fail", "inconclusive", "no_data", "pass")
STATES = {"pass": "pass", "fail": "fail", "inconclusive": "inconclusive", "no_data": "no data"}
MOST_SEGMENTS = 12
"""Segments that are shown without being asked for, the worst first."""


def state_of(state: str) -> Html:
    """A verdict by sign, word and colour."""
    return tag("span", tag("span", SIGNS[state], aria_hidden="true"), " ", STATES[state], class_=f"state {state}")


def guardrails(rows: Sequence[Row], cases: Mapping[str, str]) -> Html:
    """The table, the worst first. `cases` says where those of each are, where any are kept."""
    scale = chart.scale_of(rows)
    columns = {
        "name": "Guardrail",
        "what": "State",
        "count": "Sessions",
        "rates": "Fails, both arms",
        "slip": "Slip",
        "drawn": "Slip against its margin",
        "proof": "Evidence",
    }
    made = [_guardrail(row, scale, cases.get(row["name"])) for row in sorted(rows, key=_rank)]
    shown = table("Guardrails, the worst first", columns, made, "guardrails", {"drawn": chart.axis(scale)})
    return tag(
        "section",
        tag("h2", "Guardrails"),
        tag(
            "p",
            "Slip is the candidate's failure rate less the baseline's, in sessions. A band is where it lies; ",
            "all bands share one scale in multiples of each margin, logarithmic beyond it. ",
            "Evidence grows to the right, to the bar at which it decides.",
            class_="muted",
        ),
        shown,
    )


def _rank(row: Row) -> tuple[int, float]:
    """What has failed first, then what is open; within, the furthest beyond its margin."""
    return ORDER.index(row["state"]), -(row["slip"] or 0.0) / (row["margin"] or chart.UNIT)


def _guardrail(row: Row, scale: Scale, cases: str | None) -> list[Child]:
    link = tag("a", "cases", href=cases, aria_label=f"cases of {row['name']}", class_="more") if cases else None
    more = row["forecast"]
    why = row["reason"].partition(": evidence")[0]  # which has a column of its own
    why = f"{why}; about {more:,} sessions more" if more else why
    optional = None if row["required"] else tag("span", "not required", class_="tagged")
    return [
        (tag("span", row["name"], class_="guardrail"), " ", optional, link),
        (state_of(row["state"]), tag("span", why, class_="why")),
        f"{row['sessions']:,}",
        "–" if row["slip"] is None else f"{percent(row['baseline_rate'])} → {percent(row['candidate_rate'])}",
        _slip(row),
        chart.band(row, scale),
        _evidence(row),
    ]


def _slip(row: Row) -> Child:
    if row["slip"] is None:
        return "–"
    bounds = None
    if row["lower"] is not None and row["upper"] is not None:
        low, high = (percent(row[name], signed=True).removesuffix("\u00a0%") for name in ("lower", "upper"))
        bounds = tag("span", f"{low} to {high}", class_="bounds")
    return (tag("b", percent(row["slip"], signed=True)), " ", bounds)


def _evidence(row: Row) -> Child:
    """Harm over safe, each as bar and number."""
    kinds = (("harm", "e_value", "threshold"), ("safe", "safe_e_value", "safe_threshold"))
    return [
        tag(
            "span",
            tag("span", kind, class_="kind"),
            chart.evidence(row[value], row[bar], kind),
            tag("span", f"{_number(row[value])} of {_number(row[bar])}", class_="figures"),
            class_="lane",
        )
        for kind, value, bar in kinds
        if row[value] is not None
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if 10 <= value < 1e5 else f"{value:.2g}".replace("e+0", "e").replace("e+", "e")


def over_time(rows: Sequence[Row], slips: Mapping[str, Sequence[tuple[float, Slip]]]) -> Html:
    """A small picture for each guardrail of which there are samples."""
    drawn = [
        tag(
            "figure",
            tag("figcaption", state_of(row["state"]), " ", row["name"]),
            chart.over_time(row["name"], samples, row["margin"]),
        )
        for row in sorted(rows, key=_rank)
        if len(samples := slips.get(row["name"], ())) > 1
    ]
    if not drawn:
        return NOTHING
    return tag(
        "section",
        tag("h2", "Slip over time"),
        tag(
            "p",
            "As far back as this process has run, in UTC; the tinted part is beyond the margin.",
            class_="muted",
        ),
        tag("div", drawn, class_="multiples"),
    )


def segments(told: Sequence[Row], rows: Sequence[Row]) -> Html:
    """Each guardrail in each segment, the worst first."""
    margins = {row["name"]: row["margin"] for row in rows}
    bounded = [each for each in told if each["lower"] is not None]
    known = [{**each, "margin": margins.get(each["guardrail"], 0.0)} for each in bounded]
    known.sort(key=lambda each: each["lower"] / (each["margin"] or chart.UNIT), reverse=True)
    if not known:
        return NOTHING
    scale = chart.scale_of(known)
    columns = {"name": "Segment", "of": "Guardrail", "count": "Sessions", "slip": "Slip", "drawn": "Margin"}
    made: list[list[Child]] = [
        [each["segment"], each["guardrail"], f"{each['sessions']:,}", _slip(each), chart.band(each, scale)]
        for each in known
    ]
    rest = made[MOST_SEGMENTS:]
    folded = tag(
        "details",
        tag("summary", f"{len(rest)} more"),
        table("Further segments", columns, rest, "segments"),
    )
    return tag(
        "section",
        tag("h2", "Segments"),
        tag(
            "p",
            "The worst first. So many are looked at that one of them will look bad by chance: they decide nothing.",
            class_="muted",
        ),
        table("Segments", columns, made[:MOST_SEGMENTS], "segments"),
        folded if rest else None,
    )
