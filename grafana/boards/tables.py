"""The overview's tables: each guardrail, each segment, each variable, each analyzer."""

from __future__ import annotations

from typing import Any

from grafana.coding import VERDICTS, coded, named
from grafana.kinds import override, steps, table
from grafana.promql import grown, most, own
from grafana.units import CODE, COUNT, DIFFERENCE, PORTION, SHARE

ALL = 'segment="all"'
SLIP, LOWER, UPPER = (own("slip_ratio", ALL, f'bound="{bound}"') for bound in ("estimate", "lower", "upper"))
EVERY_SEGMENT = own("slip_ratio", 'bound="estimate"')
MARGIN = own("margin_ratio")


def portion(kind: str) -> str:
    """How much of the evidence that it takes is there, for each guardrail."""
    there, needed = (own(name, f'kind="{kind}"') for name in ("evidence_log10", "evidence_threshold_log10"))
    return f"{most(there, 'guardrail')} / {most(needed, 'guardrail')}"


def _joined(by: str, head: str, names: dict[str, str]) -> tuple[dict[str, Any], ...]:
    """The answers side by side, one row for each value of the label, under these names."""
    shown = {by: head, **names}
    times = ("Time", *(f"Time {number}" for number in range(1, len(names) + 1)))
    organized = {
        "excludeByName": dict.fromkeys(times, True),
        "renameByName": shown,
        "indexByName": {name: place for place, name in enumerate(shown)},
    }
    joined = {"id": "joinByField", "options": {"byField": by, "mode": "outer"}}
    return (joined, {"id": "organize", "options": organized})


_COLUMNS = {
    "Value #A": "verdict",
    "Value #B": "slip",
    "Value #C": "at least",
    "Value #D": "at most",
    "Value #E": "margin",
    "Value #F": "noise",
    "Value #G": "sessions",
    "Value #H": "still needed",
    "Value #I": "harm",
    "Value #J": "safe",
}
_PORTION = {"unit": "percentunit", "decimals": 0, "min": 0, "max": 1, "noValue": "–"}
_BAR = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}

GUARDRAILS = table(
    "Guardrails",
    "Slip is the candidate's failure rate less the baseline's, over sessions, with an interval that holds however often one looks. Noise is "
    "how often two answers of the baseline itself are judged differently. Harm and safe: the part of the evidence that a fail and a pass "
    "take which is there.",
    [
        (coded("verdict", "state", VERDICTS, "guardrail"), CODE),
        *((most(each, "guardrail"), DIFFERENCE) for each in (SLIP, LOWER, UPPER)),
        *((most(own(name), "guardrail"), SHARE) for name in ("margin_ratio", "noise_ratio")),
        *((most(own(name), "guardrail"), COUNT) for name in ("sessions_total", "forecast_sessions")),
        *((f"clamp ({portion(kind)}, 0, 1)", SHARE) for kind in ("harm", "safe")),
    ],
    DIFFERENCE,
    no_value="–",
    width=24,
    height=10,
    transformations=_joined("guardrail", "guardrail", _COLUMNS),
    overrides=(
        override(
            "verdict",
            unit="none",
            mappings=list(named(VERDICTS)),
            custom_cellOptions={"type": "color-background", "mode": "basic"},
        ),
        *(
            override(name, unit="percentunit", decimals=2)
            for name in ("slip", "at least", "at most", "margin", "noise")
        ),
        *(override(name, unit="short", decimals=0) for name in ("sessions", "still needed")),
        override(
            "harm",
            **_PORTION,
            custom_cellOptions=_BAR,
            thresholds={
                "mode": "absolute",
                "steps": [{"value": None, "color": "orange"}, {"value": 1, "color": "red"}],
            },
        ),
        override(
            "safe",
            **_PORTION,
            custom_cellOptions=_BAR,
            thresholds={
                "mode": "absolute",
                "steps": [{"value": None, "color": "blue"}, {"value": 1, "color": "green"}],
            },
        ),
    ),
)

SEGMENTS = table(
    "Slip by segment, of its margin",
    "Where the slip is: each kind of request by guardrail, red where the estimate exceeds the margin. For reading: of many kinds one looks "
    "bad by chance. The segments' intervals are at /verdict.",
    [
        (
            f"{most(EVERY_SEGMENT, 'segment, guardrail')} / on (guardrail) group_left () ({most(MARGIN, 'guardrail')} > 0)",
            PORTION,
        )
    ],
    PORTION,
    no_value="–",
    width=14,
    height=14,
    steps=steps((0.5, "yellow"), (1.0, "red")),
    transformations=(
        {
            "id": "groupingToMatrix",
            "options": {
                "rowField": "segment",
                "columnField": "guardrail",
                "valueField": "Value",
                "emptyValue": "null",
            },
        },
    ),
    overrides=(
        {
            "matcher": {"id": "byType", "options": "number"},
            "properties": [
                {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}},
                {"id": "decimals", "value": 0},
            ],
        },
    ),
)

DRILL_DOWN = {
    "title": "Look at ${__data.fields.variable}",
    "url": "/d/slipgauge-analyzer?var-variable=${__data.fields.variable}&${job:queryparam}&${__url_time_range}",
    "targetBlank": False,
}
"""A click on a row leads to the variable's own board, at the same time."""
_FLIPS = {
    "Value #A": "lost",
    "Value #B": "won",
    "Value #C": "both failed",
    "Value #D": "both passed",
}


def _cell(baseline: str, candidate: str) -> str:
    return grown(own("findings_total", f'baseline="{baseline}"', f'candidate="{candidate}"'), "analyzer")


def _coloured(name: str, shade: str) -> dict[str, Any]:
    """A column whose cells have a colour from the first turn on."""
    stages = [{"value": None, "color": "transparent"}, {"value": 0.5, "color": shade}]
    return override(
        name,
        custom_cellOptions={"type": "color-background", "mode": "basic"},
        thresholds={"mode": "absolute", "steps": stages},
    )


FLIPS = table(
    "2×2: baseline and candidate, by variable",
    "Turns of this time by what became of both answers. Lost: only the candidate failed; won: only the baseline did. Equal arms lose as often as they win.",
    [(_cell(*cell), COUNT) for cell in (("pass", "fail"), ("fail", "pass"), ("fail", "fail"), ("pass", "pass"))],
    COUNT,
    no_value="0",
    width=10,
    height=14,
    transformations=_joined("analyzer", "variable", _FLIPS),
    links=(DRILL_DOWN,),
    overrides=(
        _coloured("lost", "red"),
        _coloured("won", "green"),
    ),
)

REVIEWED = table(
    "What reviewers found",
    "Of the judged findings of each analyzer: how many reviewers found right, and wrong. Kept cases are full of failures: it says whether what is reported is there, not what is missed.",
    [
        (most(own("analyzer_precision_ratio"), "analyzer"), SHARE),
        *((most(own("analyzer_judged", f'right="{right}"'), "analyzer"), COUNT) for right in ("yes", "no")),
    ],
    COUNT,
    no_value="–",
    width=4,
    height=9,
    transformations=_joined(
        "analyzer", "analyzer", {"Value #A": "precision", "Value #B": "right", "Value #C": "wrong"}
    ),
    overrides=(override("precision", unit="percentunit", decimals=0),),
)
