"""The pictures of docs/verdict.md, from what was measured."""

from __future__ import annotations

from math import log
from typing import Any

from verdict_report.draw import Axis, Line, chart
from verdict_report.sections.coverage import MARGIN, WIDTHS
from verdict_report.sections.false_alarms import ALPHA, MARKS
from verdict_report.sections.power import CURVE

Results = dict[str, Any]


def pictures(found: Results) -> dict[str, str]:
    """Each picture's text, by its file's name."""
    return {
        "verdict-false-alarms.svg": _false_alarms(found),
        "verdict-sessions-to-fail.svg": _to_fail(found),
        "verdict-late-slip.svg": _late(found),
        "verdict-sessions-to-pass.svg": _to_pass(found),
        "verdict-interval.svg": _interval(found),
    }


def _sessions(low: float, high: float, marks: tuple[float, ...], title: str = "sessions") -> Axis:
    return Axis(title, low, high, marks, lambda value: f"{value:,.0f}", logarithmic=True)


def _percent(value: float) -> str:
    return f"{100 * value:g} %"


SHARE = Axis("share of runs", 0, 1, (0, 0.25, 0.5, 0.75, 1), _percent)


def _false_alarms(found: Results) -> str:
    def line(name: str, counted: dict[str, Any], colour: int) -> Line:
        return Line(
            name, [(mark, n / counted["runs"]) for mark, n in zip(MARKS, counted["by"], strict=True) if n], colour
        )

    return chart(
        "False alarms on identical arms, looking after every session",
        "The share of runs with a false alarm grows with the sessions: for a threshold on a moving window to all "
        "of them, for a repeated test far beyond its nominal level; for Slipgauge it stays below it.",
        (
            _sessions(100, 20_000, (100, 1_000, 10_000)),
            Axis("share of runs", 0.00003, 1, (0.0001, 0.001, 0.01, 0.1, 1), _percent, logarithmic=True),
        ),
        [
            line("threshold", found["peers"]["threshold"], 4),
            line("fixed-n test, repeated", found["peers"]["peeking"], 1),
            line("Slipgauge", found["false_alarms"]["iid"], 0),
        ],
        [(ALPHA, "nominal 1 %")],
    )


def _curve(name: str, curve: list[int], colour: int, *, dashed: bool = False) -> Line:
    return Line(name, [(t, percent / 100) for t, percent in zip(curve, CURVE, strict=True)], colour, dashed)


def _to_fail(found: Results) -> str:
    lines = [
        _curve(f"{name}, w = {weight}", measured["curve"], colour, dashed=weight != "1")
        for colour, (key, name) in enumerate(
            (("json", "JSON, 0"), ("json_margin", "JSON, 0.5 %"), ("refusal", "refusals, 0"))
        )
        for weight, measured in zip(("1", "1/8"), found["power"][key], strict=True)
    ]
    return chart(
        "Sessions until a slip fails, by slip, margin and weight",
        "The JSON slip fails within hundreds of sessions, the refusal slip within thousands; sooner at weight 1.",
        (_sessions(50, 5_000, (50, 100, 200, 500, 1_000, 2_000, 5_000)), SHARE),
        lines,
    )


def _late(found: Results) -> str:
    whole, eighth = found["power"]["late"]
    return chart(
        "Sessions from the beginning of a late slip",
        "The alert comes first; the failure that rolls back after it, sooner at weight 1 than at 1/8.",
        (Axis("sessions since the slip began", 0, 1_500, range(0, 1_501, 250), "{:,}".format), SHARE),
        [
            _curve("alert, 8 guardrails", found["alert"]["curve"], 2),
            _curve("fail, w = 1", whole["curve"], 0),
            _curve("fail, w = 1/8", eighth["curve"], 0, dashed=True),
        ],
    )


def _to_pass(found: Results) -> str:
    lines = []
    for colour, margin in enumerate((0.005, 0.01, 0.02)):
        cells = [cell for cell in found["safe"]["cells"] if cell["margin"] == margin]
        name = f"margin {_percent(margin)}"
        lines.append(Line(name, [(cell["discordance"], cell["median"]) for cell in cells], colour))
        least = log(20) / margin
        lines.append(Line("  least possible", [(0.005, least), (0.03, least)], colour, dashed=True))
    return chart(
        "Sessions until equal arms pass, median",
        "The more often the two arms differ, and the smaller the margin, the more sessions a pass takes.",
        (
            Axis("sessions in which one arm alone fails", 0.005, 0.03, (0.005, 0.01, 0.02, 0.03), _percent, True),
            _sessions(100, 20_000, (100, 1_000, 10_000)),
        ),
        lines,
    )


def _interval(found: Results) -> str:
    lines = []
    for colour, (name, widths) in enumerate(
        zip(("equal arms", "JSON 1.4 → 6.8 %"), found["coverage"]["widths"], strict=True)
    ):
        for side, bound in enumerate(("lower", "upper")):
            points = [(n, each[side]) for n, each in zip(WIDTHS, widths["intervals"], strict=True)]
            lines.append(Line(f"{name}, {bound}", points, colour, dashed=side == 0))
    return chart(
        "The interval narrows around the slip",
        "The bounds of the slip after 300 to 30,000 sessions that went as expected.",
        (
            _sessions(300, 30_000, (300, 1_000, 3_000, 10_000, 30_000)),
            Axis("slip", -0.04, 0.11, (-0.04, -0.02, 0, 0.02, 0.04, 0.06, 0.08, 0.1), _percent),
        ),
        lines,
        [(MARGIN, "margin 0.5 %")],
    )
