"""Gateway: are clients served as if Slipgauge were not there, and is what is measured measured?"""

from __future__ import annotations

from grafana.board import JOB, Board, Row
from grafana.coding import worded
from grafana.kinds import HUES, areas, bars, lines, states, steps, tile
from grafana.promql import most, own, quantile, rate, share
from grafana.units import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    FIGURE,
    PER_SECOND,
    SECONDS,
    SHARE,
    TOKENS_PER_SECOND,
    YES_NO,
)

QUIET = "no request lately"
BAD = 'code!~"[1-4].."'
"""What is the arm's fault: 5xx, and answers that did not come whole. A client that leaves is `aborted`, and nobody's."""
ABORTED = 'code!="aborted"'
REQUESTS = own("requests_total")
ELIGIBLE, LEDGER = own("eligible_total"), own("ledger_total")
SAMPLED = own("ledger_total", 'state!="not_sampled"')
PAIRABLE = own("ledger_total", 'state!~"not_sampled|dropped_rejected"')
MISSED = 'state!~"paired|not_sampled"'

TILES = (
    tile(
        "Requests",
        "Requests of clients to the baseline and the candidate.",
        rate(own("requests_total", 'leg="primary"')),
        PER_SECOND,
        judged=False,
        width=3,
    ),
    tile(
        "Failed, of clients' own",
        "Share of clients' requests that the arm answered by a 5xx, or not whole. Those whose client left are not counted.",
        share(
            rate(own("requests_total", 'leg="primary"', BAD, ABORTED)), rate(own("requests_total", 'leg="primary"'))
        ),
        SHARE,
        no_value=QUIET,
        steps=steps((0.005, "yellow"), (0.02, "red")),
        width=3,
    ),
    tile(
        "Added latency, p99",
        "Time a request spends inside the gateway before its first byte is sent on.",
        quantile(0.99, own("added_latency_seconds")),
        SECONDS,
        no_value=QUIET,
        steps=steps((0.005, "yellow"), (0.05, "red")),
        width=3,
    ),
    tile(
        "Event loop late, p99",
        "How late the gateway's event loop wakes. Beyond gateway.shed_lag nothing is mirrored: clients come first.",
        quantile(0.99, own("event_loop_lag_seconds")),
        SECONDS,
        steps=steps((0.025, "yellow"), (0.1, "red")),
        width=3,
    ),
    tile(
        "Paired, of sampled",
        "Share of the sampled requests of which both arms answered; those that the baseline rejected are left out.",
        share(rate(own("ledger_total", 'state="paired"')), rate(PAIRABLE)),
        SHARE,
        no_value="nothing sampled lately",
        steps=((None, "red"), (0.8, "yellow"), (0.95, "green")),
        width=3,
    ),
    tile(
        "Ledger",
        "Eligible requests that have no state yet. Never below 0, and 0 when nothing is under way: every request ends in exactly one state.",
        f"sum ({ELIGIBLE}) - sum ({LEDGER})",
        COUNT._replace(low=float("-inf")),
        steps=((None, "red"), (0, "green")),
        width=3,
    ),
    tile(
        "Gateway processes",
        "Processes that accept requests; gateway.workers of them where all is well.",
        most(own("gateway_processes")),
        COUNT,
        steps=((None, "red"), (1, "green")),
        width=3,
    ),
    tile(
        "Version",
        "What runs here.",
        own("build_info"),
        YES_NO,
        judged=False,
        text="name",
        legend="{{version}}",
        width=3,
    ),
)

RED = (
    areas(
        "Requests by arm and leg",
        "Primary: its answer went to the client; mirror: the copy; repeat: the baseline's second answer.",
        [(rate(REQUESTS, "arm, leg"), "{{arm}} {{leg}}")],
        PER_SECOND,
    ),
    lines(
        "Failed, by arm and leg",
        "Share of requests that an arm answered by a 5xx, or not whole.",
        [
            (
                share(rate(own("requests_total", BAD, ABORTED), "arm, leg"), rate(REQUESTS, "arm, leg")),
                "{{arm}} {{leg}}",
            )
        ],
        SHARE,
        no_value=QUIET,
    ),
    lines(
        "Time to the end of the answer, p95",
        "From send to the last byte.",
        [(quantile(0.95, own("request_duration_seconds"), "arm, leg"), "{{arm}} {{leg}}")],
        SECONDS,
        no_value=QUIET,
    ),
    lines(
        "Answers that were no 200, by arm",
        "404 of a candidate: its model has another name, or the path is not there.",
        [(rate(own("requests_total", 'code!~"2.."'), "arm, code"), "{{arm}} {{code}}")],
        PER_SECOND,
        no_value="none",
    ),
    lines(
        "Time to the first token",
        "Median and 95th percentile of streamed answers, baseline against candidate, on scored pairs.",
        [
            (quantile(q, own("time_to_first_token_seconds", 'leg!="repeat"'), "arm"), f"{{{{arm}}}} p{100 * q:.0f}")
            for q in (0.5, 0.95)
        ],
        SECONDS,
        no_value="no streamed pair lately",
        overrides=HUES,
    ),
    lines(
        "Time between tokens",
        "Median and 95th percentile of streamed answers, baseline against candidate, on scored pairs.",
        [
            (quantile(q, own("inter_token_latency_seconds", 'leg!="repeat"'), "arm"), f"{{{{arm}}}} p{100 * q:.0f}")
            for q in (0.5, 0.95)
        ],
        SECONDS,
        no_value="no streamed pair lately",
        overrides=HUES,
    ),
)

COST = (
    lines(
        "Added latency",
        "What the gateway itself adds before a request's first byte is sent on.",
        [(quantile(q, own("added_latency_seconds")), f"p{100 * q:g}") for q in (0.5, 0.99)],
        SECONDS,
        no_value=QUIET,
    ),
    lines(
        "Event loop late",
        "How late the gateway's event loop woke: above a few milliseconds something blocks it.",
        [(quantile(q, own("event_loop_lag_seconds")), f"p{100 * q:g}") for q in (0.5, 0.99)],
        SECONDS,
    ),
    lines(
        "Extra tokens",
        "Tokens that mirrors, repeats and probes take of each arm.",
        [(rate(own("extra_tokens_total"), "arm, purpose"), "{{arm}} {{purpose}}")],
        TOKENS_PER_SECOND,
    ),
)

ACCOUNT = (
    areas(
        "Ledger: what became of requests",
        "Every eligible request ends in exactly one state.",
        [(rate(LEDGER, "state") + " > 0", "{{state}}")],
        PER_SECOND,
        width=12,
    ),
    lines(
        "Sampled and not paired, by why",
        "Share of the sampled requests that ended otherwise than paired.",
        [
            (
                f"topk (5, {rate(own('ledger_total', MISSED), 'state')} / on () group_left () ({rate(SAMPLED)} > 0))",
                "{{state}}",
            )
        ],
        SHARE,
        no_value="none",
        width=12,
    ),
    lines(
        "Extra legs not sent",
        "By what forbade them: the arm's token budget, or its own metrics.",
        [
            (
                f"topk (5, {rate(own('extra_refused_total'), 'arm, purpose, reason')})",
                "{{arm}} {{purpose}}: {{reason}}",
            )
        ],
        EVENTS_PER_SECOND,
        no_value="none",
    ),
    lines(
        "Pairs dropped behind the gateway",
        "Of these no report tells, and each is missing from what is measured.",
        [(rate(own("queue_dropped_total"), "reason"), "{{reason}}")],
        EVENTS_PER_SECOND,
    ),
    lines(
        "Waiting for a worker",
        "Bytes of pairs that wait to be scored; at analysis.queue_bytes more are dropped.",
        [(most(own("queue_bytes")), "waiting")],
        BYTES,
    ),
)

SERVERS = (
    states(
        "Servers that are up",
        "Down: ejected after failures in a row, or by its health checks.",
        [(f"min by (arm, server) ({own('upstream_up')})", "{{arm}} {{server}}")],
        YES_NO,
        mappings=worded("down", "up", yes_colour="#2da44e", no_colour="#cf222e"),
        width=12,
        height=6,
    ),
    states(
        "Pressure",
        "While an arm says that it is too busy, it gets no extra legs. Unknown: it does not say how busy it is, and only the budget holds them back.",
        [
            (most(own("pressure"), "arm"), "{{arm}}: too busy"),
            (f"1 - {most(own('pressure_known'), 'arm')}", "{{arm}}: unknown"),
        ],
        YES_NO,
        mappings=worded("no", "yes", yes_colour="#d29922"),
        width=12,
        height=6,
    ),
    lines(
        "Requests at each server",
        "Those that wait for a connection included.",
        [(f"sum by (arm, server) ({own('upstream_outstanding')})", "{{arm}} {{server}}")],
        COUNT,
        width=6,
    ),
    lines(
        "Servers taken out",
        "By why: failures in a row, or health checks.",
        [(f"topk (5, {rate(own('upstream_ejections_total'), 'arm, reason')})", "{{arm}}: {{reason}}")],
        EVENTS_PER_SECOND,
        width=6,
        no_value="never",
    ),
    lines(
        "Baseline answered in the candidate's place",
        "Live requests to the candidate that failed before their first byte, by why.",
        [(rate(own("fallbacks_total"), "reason"), "{{reason}}")],
        PER_SECOND,
        width=6,
        no_value="never",
    ),
    lines(
        "Answers of the gateway's own",
        "Errors that clients got from the gateway, by why: the bound that was hit, what was wrong with a request, or a server that gave no answer.",
        [(f"topk (5, {rate(own('refused_total'), 'reason')})", "{{reason}}")],
        PER_SECOND,
        width=6,
        no_value="never",
    ),
)

BEHIND = (
    lines(
        "Replaced, lapsed, opened",
        "Gateway and analyzer processes that were replaced; canaries taken back since control was silent; breakers that are open.",
        [
            (rate(own("gateway_restarts_total")), "gateway processes replaced"),
            (rate(own("worker_restarts_total"), "kind"), "analyzer processes replaced: {{kind}}"),
            (rate(own("canary_lapses_total")), "canary lapses"),
            (most(own("breaker_open")), "breakers open now"),
        ],
        FIGURE,
        bounds={"min": 0},
        width=6,
    ),
    lines(
        "Control",
        "Turns that wait for those that arrived before them; the share of all turns that one session has (near 1, everybody shares one name).",
        [
            (most(own("turns_waiting")), "turns waiting"),
            (most(own("largest_session_ratio")), "share of the largest session"),
        ],
        FIGURE,
        bounds={"min": 0},
        width=6,
    ),
    states(
        "Control is whole",
        "Whether its state can be written, and whether one of the controls leads. While either is no, traffic flows and the candidate gets no more of it.",
        [(most(own("store_up")), "state written"), (most(own("leader")), "a control leads")],
        YES_NO,
        mappings=worded("no", "yes", yes_colour="#2da44e", no_colour="#cf222e"),
        width=4,
    ),
    bars(
        "Told and reloaded",
        "In this time: attempts to tell somebody of a change, configurations read again, rollbacks.",
        [
            (
                f"sum by (kind, result) (increase({own('notifications_total')}[$__range])) > 0",
                "{{kind}} {{result}}",
            ),
            (f"sum by (result) (increase({own('config_reloads_total')}[$__range])) > 0", "reload {{result}}"),
            (f"sum by (reason) (increase({own('rollbacks_total')}[$__range])) > 0", "rollback: {{reason}}"),
        ],
        COUNT,
        steps=((None, "blue"),),
        width=8,
        no_value="nothing",
    ),
)

BOARD = Board(
    "slipgauge-gateway",
    "Slipgauge / Gateway",
    "Are clients served as if Slipgauge were not there, and is what should be measured measured?",
    (
        Row("Is all well?", TILES),
        Row("Rate, errors, duration", RED),
        Row("What it costs", COST),
        Row("What became of requests", ACCOUNT),
        Row("The servers", SERVERS),
        Row("Behind the gateway", BEHIND),
    ),
    (JOB,),
)
