"""Slippage overview: is int4 losing anything, where, since when, how sure, and what is it saving?"""

from __future__ import annotations

from grafana.board import JOB, Board, Row, Variable
from grafana.boards import tables
from grafana.coding import STAGES, VERDICTS, coded, named, worded
from grafana.kinds import bars, colour, lines, override, states, steps, tile
from grafana.promql import mean, most, own, rate
from grafana.units import BYTES, CODE, COUNT, DIFFERENCE, EVENTS_PER_SECOND, PORTION, SHARE, YES_NO

NO_SESSION = "no session yet"
GUARDRAIL = Variable(
    "guardrail", "Guardrail", 'label_values(slipgauge_verdict{job=~"$job"}, guardrail)', every=True
)
CHOSEN = 'guardrail=~"$guardrail"'


VERDICT_NOW = coded("candidate_verdict", "state", VERDICTS)
STAGE_NOW = coded("stage", "stage", STAGES)
WORST = f"max ({most(tables.SLIP, 'guardrail')} / ({most(tables.MARGIN, 'guardrail')} > 0))"
GAP = {
    arm: mean(own("inter_token_latency_seconds", f'arm="{arm}"'), over="1h") for arm in ("baseline", "candidate")
}

TILES = (
    tile(
        "Verdict",
        "What may be said of the candidate as a whole, and what other controllers are told.",
        VERDICT_NOW,
        CODE,
        mappings=named(VERDICTS),
        width=5,
    ),
    tile(
        "Stage",
        "Where the rollout is. After a rollback only a new candidate.revision begins again.",
        STAGE_NOW,
        CODE,
        mappings=named(STAGES),
        width=4,
    ),
    tile(
        "Candidate answers",
        "Share of live sessions that the candidate answers now.",
        most(own("candidate_weight_ratio")),
        SHARE,
        judged=False,
        width=3,
    ),
    tile(
        "Worst slip, of its margin",
        "The largest slip of any guardrail as a part of the margin that it may not exceed; below 0 it is better than the baseline. "
        "An estimate: the verdict says how sure it is.",
        WORST,
        PORTION._replace(decimals=0),
        no_value=NO_SESSION,
        steps=steps((0.5, "yellow"), (1.0, "red")),
        width=4,
    ),
    tile(
        "Sessions compared",
        "Sessions that count for the guardrail that has most. A clear slip shows within hundreds, its absence takes thousands.",
        most(own("sessions_total")),
        COUNT,
        judged=False,
        width=4,
    ),
    tile(
        "Saved: time per token",
        "By how much less time the candidate takes from one streamed token to the next, on scored pairs of the last hour.",
        f"1 - ({GAP['candidate']}) / ({GAP['baseline']})",
        PORTION,
        no_value="no streamed pair",
        steps=((None, "orange"), (0.0, "green")),
        width=4,
    ),
)

HISTORY = (
    states(
        "Verdict of each guardrail, over time",
        "Since when a guardrail is in its state. A fail is latched until new evidence begins.",
        [(coded("verdict", "state", VERDICTS, "guardrail"), "{{guardrail}}")],
        CODE,
        mappings=named(VERDICTS),
        width=14,
        height=9,
    ),
    states(
        "Stage, over time",
        "What the rollout did, and when.",
        [(STAGE_NOW, "stage")],
        CODE,
        mappings=named(STAGES),
        width=5,
        height=9,
    ),
    states(
        "What stands against promotion",
        "Late slip: a slip seems to have begun lately. Blocked: an A/A alarm, or traffic that is hardly measured. Held: by an operator or an "
        "alert. Traffic kept: the arm that should get the traffic cannot take it.",
        [
            (most(own("late_slip")), "late slip"),
            (most(own("promotion_blocked")), "blocked"),
            (most(own("rollout_held")), "held"),
            (most(own("traffic_kept")), "traffic kept"),
        ],
        YES_NO,
        mappings=worded("no", "yes"),
        width=5,
        height=9,
    ),
)


BANDS = (
    lines(
        "Slip of $guardrail",
        "The slip with its interval, which holds at all times together; above the red margin only where the guardrail has failed, below it only "
        "where it is safe. The noise floor: how often two answers of the baseline itself are judged differently.",
        [
            (most(own("slip_ratio", tables.ALL, CHOSEN, 'bound="lower"')), "at least"),
            (most(own("slip_ratio", tables.ALL, CHOSEN, 'bound="upper"')), "at most"),
            (most(own("slip_ratio", tables.ALL, CHOSEN, 'bound="estimate"')), "slip"),
            (most(own("margin_ratio", CHOSEN)), "margin"),
            (most(own("noise_ratio", CHOSEN)), "noise floor"),
        ],
        DIFFERENCE,
        no_value=NO_SESSION,
        width=6,
        height=7,
        repeat="guardrail",
        overrides=(
            override("at least", color=colour("#8cb4ff"), custom_lineWidth=0),
            override(
                "at most",
                color=colour("#8cb4ff"),
                custom_lineWidth=0,
                custom_fillBelowTo="at least",
                custom_fillOpacity=30,
            ),
            override("slip", color=colour("#2f6feb"), custom_lineWidth=2),
            override("margin", color=colour("#cf222e"), custom_lineStyle={"fill": "dash", "dash": [8, 6]}),
            override("noise floor", color=colour("#6e7681"), custom_lineStyle={"fill": "dash", "dash": [2, 4]}),
        ),
    ),
)

SURE = (
    lines(
        "Evidence of harm, of what a fail takes",
        "At 100 % the guardrail fails, and the candidate is rolled back. On a logarithmic scale: half the way is half the digits.",
        [(tables.portion("harm"), "{{guardrail}}")],
        PORTION,
        steps=steps((1.0, "red")),
        bounds={"max": 1.2},
    ),
    lines(
        "Evidence of safety, of what a pass takes",
        "At 100 % the slip is known to be below the margin. It falls again where the slip grows: asked anew at every promotion.",
        [(tables.portion("safe"), "{{guardrail}}")],
        PORTION,
        steps=steps((1.0, "green"), base="blue"),
        bounds={"max": 1.2},
    ),
    lines(
        "Baseline against itself, of what an A/A alarm takes",
        "At 100 % two answers of the baseline differ more often one way than the other: no slip can be trusted, and promotion waits.",
        [(tables.portion("repeat"), "{{guardrail}}")],
        PORTION,
        steps=steps((1.0, "red")),
        bounds={"max": 1.2},
    ),
)

WHERE = (
    tables.SEGMENTS,
    tables.FLIPS,
    lines(
        "Lost and won, over time",
        "Upwards, turns that only the candidate failed; downwards, those that only the baseline failed. A dot is a kept case: click it.",
        [
            (
                rate(own("findings_total", 'baseline="pass"', 'candidate="fail"'), "analyzer") + " > 0",
                "{{analyzer}}: lost",
            ),
            (
                "-" + rate(own("findings_total", 'baseline="fail"', 'candidate="pass"'), "analyzer") + " < 0",
                "{{analyzer}}: won",
            ),
        ],
        EVENTS_PER_SECOND._replace(low=float("-inf")),
        custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}},
        no_value="no turn was judged differently",
        exemplar=True,
        width=24,
        bounds={},
    ),
)

WHEN = (
    bars(
        "Sessions so far",
        "Sessions that count for each guardrail: each once, by its first applicable turn.",
        [(f"sort_desc ({most(own('sessions_total'), 'guardrail')})", "{{guardrail}}")],
        COUNT,
        steps=((None, "blue"),),
        height=9,
    ),
    bars(
        "Sessions still needed",
        "How many more it takes to a pass or a fail if it goes on as it goes. Missing where the verdict is there, or more sessions will not tell.",
        [(f"sort ({most(own('forecast_sessions'), 'guardrail')})", "{{guardrail}}")],
        COUNT,
        no_value="every verdict is there",
        steps=((None, "purple"),),
        height=9,
    ),
    bars(
        "Measured, of what was sampled",
        "Share of the sampled requests of each kind that were measured. A kind at less than half the overall rate stands against promotion.",
        [(f"sort (min by (segment) ({own('coverage_ratio')}))", "{{segment}}")],
        SHARE,
        steps=((None, "red"), (0.5, "yellow"), (0.9, "green")),
        bounds={"min": 0, "max": 1},
        height=9,
    ),
)

CASES = (
    bars(
        "Kept cases, by stratum",
        "Redacted pairs that are kept, by why they were drawn; one may be in several. /cases shows them.",
        [(f"sort_desc ({most(own('cases'), 'stratum')})", "{{stratum}}")],
        COUNT,
        no_value="no case is kept: name a file in cases.path",
        steps=((None, "blue"),),
        height=9,
    ),
    lines(
        "Offered and kept",
        "What became of pairs that had a chance to be kept. Dropped ones cost a case, and nothing else.",
        [(rate(own("case_offers_total"), "result") + " > 0", "{{result}}")],
        EVENTS_PER_SECOND,
        no_value="none was offered",
        height=9,
    ),
    lines(
        "Room",
        "Bytes of all kept cases; at cases.bytes those drawn last give way.",
        [(most(own("cases_bytes")), "cases")],
        BYTES,
        width=4,
        height=9,
    ),
    tables.REVIEWED,
)

BOARD = Board(
    "slipgauge-overview",
    "Slipgauge / Slippage overview",
    "Is the candidate losing anything, where, since when, how sure, and what is it saving?",
    (
        Row("Is it losing anything?", TILES),
        Row("Since when?", HISTORY),
        Row("How much?", (tables.GUARDRAILS,)),
        Row("How sure? The slip with its interval", BANDS),
        Row("How sure? The evidence", SURE),
        Row("Where?", WHERE),
        Row("How long still?", WHEN),
        Row("Cases", CASES),
    ),
    (JOB, GUARDRAIL),
)
