"""Slipgauge beside nginx, a plain aiohttp proxy and no proxy, in alternating runs over the same mock servers.

    python -m benchmarks [--quick] [--rounds N] [--only TEXT] [--json FILE]

Prints a table and the targets, and ends with 1 where one is not met, an answer was wrong, or a cost is not that of
all the work. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from benchmarks.figures import Row, Target, row, table
from benchmarks.load import Plan
from benchmarks.outcome import Outcome
from benchmarks.peers import (
    AiohttpProxy,
    Direct,
    Kind,
    LiteLLM,
    Nginx,
    Peer,
    Slipgauge,
    litellm_program,
    nginx_program,
)
from benchmarks.report import finish, options
from benchmarks.scenarios import MISBEHAVING, Scenario, scenarios
from benchmarks.stand import Stand, standing

Outcomes = dict[tuple[str, str], list[Outcome]]
WARMING = Plan(port=0, count=200)
"""Load that each peer is given first: connections open, modules are imported, caches fill."""


def kinds(scenario: Scenario) -> dict[str, Kind]:
    """The peers that this machine has for a scenario, in the order of their runs."""
    peers: list[type[Direct | Nginx | AiohttpProxy | LiteLLM | Slipgauge]] = [Direct]
    if nginx_program():
        peers.append(Nginx)
    peers.append(AiohttpProxy)
    if litellm_program() and scenario.plan.rate is None and scenario.share == 1:
        peers.append(LiteLLM)
    peers.append(Slipgauge)
    return {kind.name: kind for kind in peers}


def plan_for(scenario: Scenario, peer: str) -> Plan:
    """The scenario's load; of a closed one only a part for the slowest, whose figures are as plain with less."""
    plan = scenario.plan
    if peer == LiteLLM.name:
        return replace(plan, count=max(40, plan.count // 20), exact=False)
    if peer == AiohttpProxy.name and plan.rate is None:
        return replace(plan, count=plan.count // 4)
    return plan


def alternate(stand: Stand, chosen: Sequence[Scenario], rounds: int) -> Outcomes:
    """Run every scenario through every peer, one after the other, `rounds` times over."""
    peers: dict[tuple[str, float], Peer] = {}
    for scenario in chosen:
        for name, kind in kinds(scenario).items():
            if (name, scenario.share) not in peers:
                peers[name, scenario.share] = peer = stand.peer(kind, scenario.share)
                stand.run(peer, WARMING)
    outcomes: Outcomes = {}
    for number in range(rounds):
        for scenario in chosen:
            print(f"round {number + 1} of {rounds}: {scenario.name}", file=sys.stderr, flush=True)
            for name in kinds(scenario):
                stand.baseline.become(scenario.baseline)
                stand.candidate.become(scenario.candidate)
                outcome = stand.run(peers[name, scenario.share], plan_for(scenario, name))
                outcomes.setdefault((scenario.name, name), []).append(outcome)
                stand.candidate.become("healthy")
    return outcomes


def rows(chosen: Sequence[Scenario], outcomes: Outcomes) -> list[Row]:
    """One row for each scenario and peer."""
    units = {scenario.name: scenario.units for scenario in chosen}
    return [
        row(name, peer, runs, outcomes[name, Direct.name], units[name]) for (name, peer), runs in outcomes.items()
    ]


def targets(found: Sequence[Row]) -> list[Target]:
    """What Slipgauge's figures should be beside nginx's, where both were measured."""
    by = {(each.scenario, each.peer): each for each in found}
    judged = []
    for scenario, most in (("plain", 0.65), ("streamed at once", 0.8), ("spaced, per event", 1.25)):
        ours, theirs = by.get((scenario, "slipgauge")), by.get((scenario, "nginx"))
        if ours and theirs:
            judged.append(Target(f"CPU, {scenario}, relative to nginx", ours.cpu_us / theirs.cpu_us, most, "x"))
    ours, theirs = by.get(("300/s", "slipgauge")), by.get(("300/s", "nginx"))
    if ours and theirs:
        for at, name in enumerate(("p50", "p99")):
            what = f"{name} added at 300/s, nginx's beside it"
            judged.append(Target(what, ours.added_us[at] / 1e3, theirs.added_us[at] / 1e3, " ms"))
    return judged


def faults(found: Sequence[Row], chosen: Sequence[Scenario]) -> Iterator[str]:
    """What makes a figure of Slipgauge's worthless: wrong answers, or work that was not done."""
    healthy = {scenario.name for scenario in chosen if scenario.candidate not in MISBEHAVING}
    for each in found:
        if each.peer != Slipgauge.name:
            continue
        if each.errors:
            yield f"{each.scenario}: {sum(each.errors.values())} of {each.requests} requests failed: {each.errors}"
        if each.scenario in healthy and not each.honest:
            yield f"{each.scenario}: only {each.paired} of {each.sampled} sampled requests were paired"


def costs(found: Sequence[Row]) -> str:
    """What each peer spends on a request, as a table."""
    nginx = {each.scenario: each.cpu_us for each in found if each.peer == Nginx.name}
    return table(
        ("cost", "peer", "CPU us", "to nginx", "requests/s", "mirrored", "paired", "scored", "failed", "MB"),
        (
            (
                each.scenario,
                each.peer,
                f"{each.cpu_us:.0f}",
                f"{each.cpu_us / nginx[each.scenario]:.2f}" if each.scenario in nginx else "",
                f"{each.requests_per_second:.0f}",
                *_served(each),
                f"{each.resident / 1e6:.0f}",
            )
            for each in found
        ),
    )


def latencies(found: Sequence[Row]) -> str:
    """What each peer adds to a request's time, and how long one takes without any, as a table."""
    return table(
        ("milliseconds added", "peer", "p50", "p99", "p99.9", "CPU us", "mirrored", "paired", "scored", "failed"),
        (
            (
                each.scenario,
                each.peer if each.peer != Direct.name else "direct, in all",
                *(f"{v / 1e3:.2f}" for v in (each.latency_us if each.peer == Direct.name else each.added_us)),
                f"{each.cpu_us:.0f}",
                *_served(each),
            )
            for each in found
        ),
    )


def _served(each: Row) -> tuple[str, str, str, str]:
    paired = scored = ""
    if each.sampled and each.paired is not None and each.unscored is not None:
        paired = f"{each.paired / each.sampled:.1%}"
        scored = f"{1 - each.unscored / each.sampled:.1%}"
    return f"{each.mirrored / each.requests:.1%}", paired, scored, str(sum(each.errors.values()))


def main() -> None:
    """Run, print, judge."""
    parser = options("benchmarks", __doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternated runs of each row (default 5)")
    parser.add_argument("--only", default="", help="only scenarios whose name holds this text")
    wanted = parser.parse_args()
    chosen = [each for each in scenarios(0.05 if wanted.quick else 1.0) if wanted.only in each.name]
    with standing() as stand:
        found = rows(chosen, alternate(stand, chosen, 1 if wanted.quick else wanted.rounds))
    costly = {scenario.name for scenario in chosen if scenario.costs}
    print(costs([each for each in found if each.scenario in costly]), end="\n\n")
    print(latencies([each for each in found if each.scenario not in costly]), end="\n\n")
    finish(wanted, {"rows": [asdict(each) for each in found]}, targets(found), list(faults(found, chosen)))


if __name__ == "__main__":
    main()
