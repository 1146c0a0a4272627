"""What int4 buys: vLLM's own metrics of both servers, side by side."""

from __future__ import annotations

from functools import partial

from grafana.board import JOB, VLLM_JOB, Board, Row
from grafana.kinds import HUES, areas, lines, steps, tile
from grafana.panel import Panel
from grafana.promql import mean, most, own, quantile, rate, share, vllm
from grafana.units import COUNT, PER_SECOND, PORTION, SECONDS, SHARE, TOKENS_PER_SECOND

IDLE = "no request lately, or no server with a label arm"
UNKNOWN = "no data: are both servers scraped, with a label arm?"
both = partial(lines, no_value=UNKNOWN, overrides=HUES)
"""A line for each arm."""
ARM = "{{arm}}"
ARMS = ("baseline", "candidate")
CANDIDATE = 'arm="candidate"'
TOKENS = " + ".join(
    f"({rate(vllm(name, CANDIDATE))})" for name in ("prompt_tokens_total", "generation_tokens_total")
)


def _saved(histogram: str) -> str:
    """By how much less the candidate's mean is than the baseline's."""
    baseline, candidate = (mean(vllm(histogram, f'arm="{arm}"'), over="1h") for arm in ARMS)
    return f"1 - ({candidate}) / ({baseline})"


def _fullest(arm: str) -> str:
    return most(vllm("kv_cache_usage_perc", f'arm="{arm}"'))


SAVED = steps((0.0, "green"), base="orange")
TILES = (
    tile(
        "Saved: time per token",
        "By how much less time the candidate takes from one token to the next; mean of the last hour.",
        _saved("inter_token_latency_seconds"),
        PORTION,
        no_value=IDLE,
        steps=SAVED,
        width=4,
    ),
    tile(
        "Saved: time to the first token",
        "By how much sooner the candidate's first token comes; mean of the last hour.",
        _saved("time_to_first_token_seconds"),
        PORTION,
        no_value=IDLE,
        steps=SAVED,
        width=4,
    ),
    tile(
        "Saved: time of a request",
        "By how much sooner the candidate's answers end; mean of the last hour. Shorter answers count as savings here.",
        _saved("e2e_request_latency_seconds"),
        PORTION,
        no_value=IDLE,
        steps=SAVED,
        width=4,
    ),
    tile(
        "Baseline: KV cache in use",
        "Of the fullest server. What is free takes more requests at once.",
        _fullest("baseline"),
        SHARE,
        no_value=UNKNOWN,
        steps=steps((0.8, "yellow"), (0.95, "red")),
        width=4,
    ),
    tile(
        "Candidate: KV cache in use",
        "Of the fullest server. Smaller weights leave more room for the cache.",
        _fullest("candidate"),
        SHARE,
        no_value=UNKNOWN,
        steps=steps((0.8, "yellow"), (0.95, "red")),
        width=4,
    ),
    tile(
        "Spent on measuring",
        "Share of the candidate's tokens that extra legs took: what it costs to know.",
        f"{rate(own('extra_tokens_total', CANDIDATE))} / (({TOKENS}) > 0)",
        PORTION,
        no_value=IDLE,
        judged=False,
        width=4,
    ),
)

SPEED = (
    both(
        "Tokens made",
        "Tokens generated in a second. The mirror gets fewer requests than the baseline: compare the tiles above, not these heights.",
        [(rate(vllm("generation_tokens_total"), "arm"), ARM)],
        TOKENS_PER_SECOND,
    ),
    both(
        "Tokens read",
        "Prompt tokens taken in a second.",
        [(rate(vllm("prompt_tokens_total"), "arm"), ARM)],
        TOKENS_PER_SECOND,
    ),
    both(
        "Tokens a second of one request",
        "One over the time from one token to the next: what a user of a stream sees.",
        [(f"1 / ({mean(vllm('inter_token_latency_seconds'), 'arm')} > 0)", ARM)],
        TOKENS_PER_SECOND,
        no_value=IDLE,
    ),
)


def _latency(title: str, says: str, histogram: str) -> Panel:
    asked = [(quantile(q, vllm(histogram), "arm"), f"{ARM} p{100 * q:.0f}") for q in (0.5, 0.95)]
    return both(title, says, asked, SECONDS, no_value=IDLE)


LATENCY = (
    _latency(
        "Time to the first token", "From arrival at the server, queue included.", "time_to_first_token_seconds"
    ),
    _latency("Time between tokens", "From one token of an answer to the next.", "inter_token_latency_seconds"),
    _latency("Time of a request", "From arrival at the server to the last token.", "e2e_request_latency_seconds"),
    _latency("Time in the queue", "Before any work on a request begins.", "request_queue_time_seconds"),
    _latency("Prefill", "Until the prompt is read.", "request_prefill_time_seconds"),
    _latency("Decode", "From the first token to the last.", "request_decode_time_seconds"),
)

ROOM = (
    both(
        "KV cache in use",
        "Of each arm's fullest server: at 100 % requests wait, or are preempted.",
        [(most(vllm("kv_cache_usage_perc"), "arm"), ARM)],
        SHARE,
        steps=steps((0.95, "red")),
        bounds={"min": 0, "max": 1},
    ),
    both(
        "Requests under way",
        "Requests that a server works on.",
        [(f"sum by (arm) ({vllm('num_requests_running')})", ARM)],
        COUNT,
    ),
    both(
        "Requests that wait",
        "Above candidate.extra.waiting, the arm gets no extra legs.",
        [(f"sum by (arm) ({vllm('num_requests_waiting')})", ARM)],
        COUNT,
    ),
    both(
        "Preemptions",
        "Requests thrown out of the cache, to be begun again.",
        [(rate(vllm("num_preemptions_total"), "arm"), ARM)],
        PER_SECOND,
    ),
    both(
        "Prefix cache hits",
        "Share of the prompts' tokens that were in the cache.",
        [
            (
                share(
                    rate(vllm("prefix_cache_hits_total"), "arm"), rate(vllm("prefix_cache_queries_total"), "arm")
                ),
                ARM,
            )
        ],
        SHARE,
        no_value=IDLE,
    ),
    areas(
        "Answers by why they ended",
        "More `length` at the candidate: it does not find an end.",
        [(rate(vllm("request_success_total"), "arm, finished_reason"), "{{arm}}: {{finished_reason}}")],
        PER_SECOND,
        no_value=UNKNOWN,
    ),
)

SHAPE = (
    both(
        "Length of answers, mean",
        "Tokens of an answer. A candidate that talks longer eats what it saves.",
        [(mean(vllm("request_generation_tokens"), "arm"), ARM)],
        COUNT._replace(decimals=None),
        no_value=IDLE,
        width=12,
    ),
    both(
        "Length of prompts, mean",
        "Tokens of a prompt. Where the arms differ here, they were not asked the same.",
        [(mean(vllm("request_prompt_tokens"), "arm"), ARM)],
        COUNT._replace(decimals=None),
        no_value=IDLE,
        width=12,
    ),
)

BOARD = Board(
    "slipgauge-int4",
    "Slipgauge / What int4 buys",
    "What does the candidate save, by what vLLM says of both servers?",
    (
        Row("What is saved", TILES),
        Row("Speed", SPEED),
        Row("Latency", LATENCY),
        Row("Room", ROOM),
        Row("Shape of the work", SHAPE),
    ),
    (JOB, VLLM_JOB),
)
