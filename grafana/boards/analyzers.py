"""Analyzer drill-down: one measured variable, and the machinery behind it."""

from __future__ import annotations

from grafana.board import JOB, Board, Row, Variable
from grafana.kinds import areas, bars, colour, lines, override, steps, tile
from grafana.panel import Panel
from grafana.promql import grown, most, own, quantile, rate, share
from grafana.units import COUNT, DIFFERENCE, EVENTS_PER_SECOND, FIGURE, SECONDS, SHARE, TOKENS_PER_SECOND

VARIABLE = Variable("variable", "Variable", 'label_values(slipgauge_findings_total{job=~"$job"}, analyzer)')
ANALYZER = Variable(
    "analyzer", "Analyzer", 'label_values(slipgauge_analyses_total{job=~"$job"}, analyzer)', every=True
)
OF = 'analyzer="$variable"'
BY = 'analyzer=~"$analyzer"'
SCORED = own("findings_total", OF, 'baseline!="not_applicable"')
ARMS = ("baseline", "candidate")
FAILED = {arm: grown(own("findings_total", OF, f'{arm}="fail"')) for arm in ARMS}
LOST, WON = (
    grown(own("findings_total", f'baseline="{baseline}"', f'candidate="{candidate}"'), "analyzer")
    for baseline, candidate in (("pass", "fail"), ("fail", "pass"))
)


def _cell(title: str, says: str, baseline: str, candidate: str, shade: str) -> Panel:
    return tile(
        title,
        says,
        grown(own("findings_total", OF, f'baseline="{baseline}"', f'candidate="{candidate}"')),
        COUNT,
        judged=False,
        steps=((None, shade),),
        width=4,
    )


CELLS = (
    _cell("Only the candidate failed", "What int4 lost in this time: the baseline passed.", "pass", "fail", "red"),
    _cell("Only the baseline failed", "What int4 won in this time: the candidate passed.", "fail", "pass", "green"),
    _cell("Both failed", "What neither model can do.", "fail", "fail", "text"),
    _cell("Both passed", "What neither model gets wrong.", "pass", "pass", "text"),
    tile(
        "Slip over turns",
        "The candidate's failure rate less the baseline's, over every scored turn of this time. The verdict counts sessions, and once each.",
        f"({FAILED['candidate']} - {FAILED['baseline']}) / ({grown(SCORED)} > 0)",
        DIFFERENCE,
        no_value="nothing scored",
        judged=False,
        width=4,
    ),
    tile(
        "Applies to",
        "Share of the pairs that were read to which this variable applies. Who is in the population depends on the request alone.",
        share(grown(SCORED), grown(own("findings_total", OF))),
        SHARE,
        no_value="no pair",
        judged=False,
        width=4,
    ),
)

FAILURES = (
    lines(
        "Failure rate of each arm",
        "Share of scored turns that an arm failed, by the same rule. Where the lines part, the candidate slips.",
        [(share(rate(own("findings_total", OF, f'{arm}="fail"')), rate(SCORED)), arm) for arm in ARMS],
        SHARE,
        no_value="nothing scored",
        width=12,
        overrides=(override("baseline", color=colour("#6e7681")), override("candidate", color=colour("#2f6feb"))),
    ),
    areas(
        "Turns by outcome",
        "The four cells of the table, over time. A dot is a kept case: click it.",
        [
            (
                rate(own("findings_total", OF, 'baseline!="not_applicable"'), "baseline, candidate"),
                "baseline {{baseline}}, candidate {{candidate}}",
            )
        ],
        EVENTS_PER_SECOND,
        exemplar=True,
        width=12,
    ),
    lines(
        "Slip over later turns, by whose answers they carry",
        "Turns that are not their session's first. How many there are depends on the answers, so no verdict rests on them.",
        [(most(own("later_slip_ratio"), "guardrail, history"), "{{guardrail}} after {{history}}")],
        DIFFERENCE,
        no_value="no later turns",
        width=12,
    ),
    lines(
        "Later turns",
        "Turns that do not count for a verdict since their session has counted, by whose answers they carry.",
        [(rate(own("later_turns_total"), "history"), "after {{history}}")],
        EVENTS_PER_SECOND,
        width=12,
    ),
)

MACHINERY = (
    areas(
        "What became of pairs",
        "At the chosen analyzers, each pair ends in exactly one of these. Killed: it overran or failed; dropped: nobody looked at it.",
        [(rate(own("analyses_total", BY), "state"), "{{state}}")],
        EVENTS_PER_SECOND,
        width=12,
    ),
    lines(
        "Failures of analyzers",
        "Pairs that an analyzer could not finish, by why. Each counts as missing: for a fail as good as can be, for a pass as bad.",
        [(rate(own("analyzer_failures_total", BY), "analyzer, kind"), "{{analyzer}}: {{kind}}")],
        EVENTS_PER_SECOND,
        no_value="none",
        width=12,
    ),
    lines(
        "Time on one pair, 99th percentile",
        "How long an analyzer takes. It is killed at analysis.budget.",
        [(quantile(0.99, own("analyzer_duration_seconds", BY), "analyzer"), "{{analyzer}}")],
        SECONDS,
        no_value="no pair lately",
        width=8,
    ),
    lines(
        "Left out, by why",
        "Pairs that an analyzer had to leave out, where it says why; and right answers that were not believed.",
        [
            (rate(own("not_applicable_total", BY), "analyzer, reason"), "{{analyzer}}: {{reason}}"),
            (rate(own("golds_total", 'result!="taken"'), "result"), "gold: {{result}}"),
        ],
        EVENTS_PER_SECOND,
        no_value="none",
        width=8,
    ),
    lines(
        "Sessions without a say",
        "Asked of both arms, and the slip is not known (missing); or beyond one client's part of the evidence (uncounted).",
        [
            (rate(own("missing_sessions_total"), "guardrail"), "{{guardrail}}: missing"),
            (rate(own("uncounted_sessions_total"), "guardrail"), "{{guardrail}}: uncounted"),
        ],
        EVENTS_PER_SECOND,
        width=8,
    ),
)

FIGURES = (
    lines(
        "Figures, median: candidate and repeat",
        "What was measured without being judged, between baseline and candidate, and between two answers of the baseline. What the candidate has "
        "beyond the repeat is its own.",
        [(quantile(0.5, own("figures"), "analyzer, figure, against"), "{{analyzer}} {{figure}}, {{against}}")],
        FIGURE,
        no_value="nothing measured",
        width=12,
        height=9,
    ),
    lines(
        "Further requests that analyzers needed",
        "What became of them. All but answered and unsupported leave the analysis dropped.",
        [(rate(own("probes_total"), "analyzer, result"), "{{analyzer}}: {{result}}")],
        EVENTS_PER_SECOND,
        no_value="none is enabled",
        width=6,
        height=9,
    ),
    lines(
        "Tokens spent beyond clients' own",
        "What measuring costs each arm, by purpose.",
        [(rate(own("extra_tokens_total"), "arm, purpose"), "{{arm}}: {{purpose}}")],
        TOKENS_PER_SECOND,
        width=6,
        height=9,
    ),
)

EVERYTHING = (
    bars(
        "What int4 lost, by variable",
        "Turns of this time that only the candidate failed.",
        [(f"sort_desc ({LOST})", "{{analyzer}}")],
        COUNT,
        steps=steps((1, "red")),
        width=12,
        height=10,
    ),
    bars(
        "What int4 won, by variable",
        "Turns of this time that only the baseline failed.",
        [(f"sort_desc ({WON})", "{{analyzer}}")],
        COUNT,
        steps=((None, "green"),),
        width=12,
        height=10,
    ),
)

BOARD = Board(
    "slipgauge-analyzer",
    "Slipgauge / Analyzer drill-down",
    "What does one variable say, and does the machinery behind it work?",
    (
        Row("$variable: the 2×2 table", CELLS),
        Row("$variable: over time", FAILURES),
        Row("Every variable", EVERYTHING),
        Row("Analyzers: $analyzer", MACHINERY),
        Row("Figures, further requests and what they cost", FIGURES),
    ),
    (JOB, VARIABLE, ANALYZER),
)
