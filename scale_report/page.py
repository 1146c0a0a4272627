"""docs/scale.md, from measured rates, arithmetic, and what was simulated; its words are in page.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scale_report import arithmetic
from scale_report.assumed import MEASURED, PLAN, TRAFFIC, rate
from scale_report.pictures import coverage, name

WORDS = (Path(__file__).parent / "page.md").read_text()
TO_FAIL, TO_PASS = 300, 598
POPULATION = 0.1
SAMPLES = (0.0001, 0.0005, 0.005, 0.05)
PACKED = 4
"""Tokens in one event, with `--stream-interval 4` at both servers."""


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    prompt, answer = arithmetic.prompt(), arithmetic.answer()
    streams = TRAFFIC.requests * (prompt / TRAFFIC.prefill + answer * TRAFFIC.token_seconds)
    return WORDS.format(
        requests=f"{TRAFFIC.requests:,.0f}",
        machine=MEASURED["machine"],
        rates=_rates(),
        event_us=f"{arithmetic.EVENT_US:.1f}",
        prompt=f"{prompt:,.0f}",
        answer=f"{answer:,.0f}",
        sample=f"{PLAN.sample:.0%}",
        utilisation=f"{PLAN.utilisation:.0%}",
        cores=_cores(),
        events=f"{TRAFFIC.requests * answer / 1e6:,.0f}",
        nginx_us=f"{rate('nginx_events_us'):.1f}",
        analyzer_cores=f"{arithmetic.analyzer_cores(TRAFFIC, PLAN.sample):.1f}",
        control_cores=f"{arithmetic.control_cores(TRAFFIC, PLAN.sample):.2f}",
        pairs=f"{arithmetic.pairs(TRAFFIC, PLAN.sample):,.0f}",
        findings=f"{TRAFFIC.findings:g}",
        control_full=f"{1 / arithmetic.control_cores(TRAFFIC, 1.0):.0%}",
        client_tokens=f"{(prompt + answer) * TRAFFIC.requests / 1e6:,.0f}",
        population=f"{POPULATION:.0%}",
        to_fail=TO_FAIL,
        to_pass=TO_PASS,
        tokens=_tokens(),
        gateways=f"{found['gateways']:,}",
        analyzers=PLAN.analyzers,
        seconds=f"{found['seconds']:g}",
        in_flight=PLAN.in_flight,
        budget=f"{PLAN.tokens_per_second:,.0f}",
        queue_pairs=f"{PLAN.queue_pairs:,}",
        beat=f"{PLAN.beat:g}",
        fleets=_fleets(found),
        queues=_queues(found),
        window=f"{PLAN.window:,}",
        loop=_loop(found),
        prompt_median=f"{TRAFFIC.prompt_median:.0f}",
        answer_median=f"{TRAFFIC.answer_median:.0f}",
        turns=f"{TRAFFIC.turns:g}",
        prefill=f"{TRAFFIC.prefill:,.0f}",
        token_ms=f"{TRAFFIC.token_seconds * 1e3:g}",
        transit_ms=f"{PLAN.transit * 1e3:g}",
        streams=f"{streams:,.0f}",
        streams_each=f"{streams / arithmetic.gateways():,.0f}",
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))


def _rates() -> str:
    rows = [
        (each["what"], f"{each['value']:,g}", f"`{each['command']}`", each["row"])
        for each in MEASURED["rates"].values()
    ]
    return _table(("to", "measured", "by", "row"), rows)


def _cores() -> str:
    def row(words: str, events: float) -> tuple[str, ...]:
        cores = arithmetic.gateway_cores(TRAFFIC, PLAN, events)
        plain = arithmetic.gateway_cores(TRAFFIC, replace(PLAN, sample=0), events)
        return (words, f"{plain:,.1f}", f"{cores - plain:,.1f}", f"{cores / PLAN.utilisation:,.0f}")

    answer = arithmetic.answer()
    packed = f"streams, {PACKED} tokens an event (`--stream-interval {PACKED}`)"
    rows = [
        row("answers in one piece", 0),
        row(packed, answer / PACKED),
        row("streams, a token an event", answer),
    ]
    return _table(("gateways, for", "passing on", "mirroring", "processes"), rows)


def _tokens() -> str:
    rows = []
    for sample in SAMPLES:
        spent = arithmetic.extra_tokens(TRAFFIC, PLAN, sample)
        times = [arithmetic.seconds_to(n, POPULATION, TRAFFIC, sample) for n in (TO_FAIL, TO_PASS)]
        millions = [f"{spent[arm] / 1e6:,.3f}" for arm in ("candidate", "baseline")]
        rows.append(
            (
                f"{sample:.2%}",
                f"{arithmetic.pairs(TRAFFIC, sample):,.0f}",
                *millions,
                *(_time(each) for each in times),
            )
        )
    head = ("sampled", "pairs/s", "candidate", "baseline", f"{TO_FAIL} sessions", f"{TO_PASS} sessions")
    return _table(head, rows)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _fleets(found: dict[str, Any]) -> str:
    states = ("scored", "dropped_budget", "dropped_in_flight", "dropped_pressure")
    rows = []
    for fleet in found["fleets"]:
        total = sum(sum(counts) for counts in fleet["states"].values())
        shares = [f"{sum(fleet['states'].get(state, ())) / total:.1%}" for state in states]
        apart = max(coverage(fleet)) - min(coverage(fleet))
        rows.append((name(fleet), f"{total:,}", *shares, f"{apart:.1%}"))
    return _table(("fleet", "sampled", "scored", "budget", "in flight", "pressure", "apart"), rows)


def _queues(found: dict[str, Any]) -> str:
    rows = []
    for fleet in found["fleets"]:
        if fleet["busy"]:
            continue
        full, outage = fleet["control_use"] >= 1, fleet["outage"]
        rows.append(
            (
                name(fleet),
                " / ".join(f"{each:.1f}" for each in fleet["scored_after_ms"][:2]),
                str(fleet["most_queued"]),
                f"{fleet['messages_per_second']:,.0f}",
                f"{fleet['control_use']:.0%}",
                "grows" if full else f"{fleet['control_wait_ms'][1]:.1f}",
                "never" if outage["never"] else f"{outage['caught_up_after']:.0f} s",
                f"{outage['reports_waiting_each']:.0f}",
            )
        )
    return _table(
        (
            *("fleet", "scored after (median / p99, ms)", "most in a queue", "messages/s", "control busy"),
            *("until folded (p99, ms)", "caught up after", "waiting at a gateway"),
        ),
        rows,
    )


def _loop(found: dict[str, Any]) -> str:
    rows = [(f"{each['load']:.0%}", *(f"{wait:,.0f}" for wait in each["wait_us"])) for each in found["loop"]]
    return _table(("load", "median", "p99", "p99.9"), rows)
