"""Many streams at once: how late is an event at the client, and what does an open stream cost in memory?

    python -m benchmarks.streams [--streams 200] [--events 500] [--rounds 5] [--quick] [--json FILE]

Every stream has an event each 20 ms, with the time of its sending in it, and is mirrored. Lateness is from there
to its arrival at the client, whoever held it up. Memory is what a fresh gateway grows by while all streams are
open, less the text it has captured by then: every event of both answers, which it is meant to keep.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import sleep

from benchmarks import messages
from benchmarks.figures import Target, quantile, table
from benchmarks.load import Plan
from benchmarks.outcome import Outcome
from benchmarks.peers import Direct, Kind, Nginx, Slipgauge, nginx_program
from benchmarks.peers.slipgauge import UNSPARED
from benchmarks.report import finish, options
from benchmarks.stand import Stand, standing

RATE = 400.0
"""Streams begun a second: all are soon open, and out of step."""
LATENESS_MS = 5.0
STREAM_KB = 64.0
LOOK = 0.25
"""Seconds between two looks at the gateway's memory."""


def slipgauge(folder: Path, baseline: int, candidate: int, share: float) -> Slipgauge:
    """Slipgauge with room to mirror every stream."""
    return Slipgauge(folder, baseline, candidate, share, {**UNSPARED, "mirror": {"in_flight": 1_000}})


def stream_bytes(stand: Stand, plan: Plan) -> float:
    """Memory per open stream of a fresh gateway, captured text aside: the most seen while all were open."""
    peer = stand.peer(slipgauge, 1.0)
    stand.run(peer, replace(plan, answer="plain", rate=None))
    servers = (stand.baseline, stand.candidate)
    before = [server.counts() for server in servers]
    resident = peer.resident_bytes()
    event = len(messages.stream_body(1)) - len(messages.DONE)
    held = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(stand.load, replace(plan, port=peer.port))
        while not running.done():
            sleep(LOOK)
            now = [server.counts() for server in servers]
            gained = [{key: new[key] - old[key] for key in new} for new, old in zip(now, before, strict=True)]
            if all(each["requests"] == plan.count and not each["answered"] for each in gained):
                captured = sum(each["events"] for each in gained) * event
                held.append((peer.resident_bytes() - resident - captured) / plan.count)
    return max(held)


def alternate(stand: Stand, plan: Plan, rounds: int) -> dict[str, list[Outcome]]:
    """Run the streams directly, through nginx where it is installed, and through Slipgauge, over and over."""
    kinds: list[Kind] = [Direct, *([Nginx] if nginx_program() else []), slipgauge]
    peers = [stand.peer(kind, 1.0) for kind in kinds]
    outcomes: dict[str, list[Outcome]] = {}
    for _ in range(rounds):
        for peer in peers:
            outcomes.setdefault(peer.name, []).append(stand.run(peer, plan))
    return outcomes


def late_ms(outcomes: list[Outcome], share: float) -> float:
    """A quantile of lateness over every event of every run."""
    return quantile([late for each in outcomes for late in each.seen.lateness], share) / 1e3


def main() -> None:
    """Run, print, judge."""
    parser = options("benchmarks.streams", __doc__)
    parser.add_argument("--streams", type=int, default=200, help="streams at once")
    parser.add_argument("--events", type=int, default=500, help="events of each")
    parser.add_argument("--rounds", type=int, default=5, help="alternated runs")
    wanted = parser.parse_args()
    streams, events, rounds = (20, 25, 1) if wanted.quick else (wanted.streams, wanted.events, wanted.rounds)
    plan = Plan(0, streams, rate=RATE, connections=streams, answer="spaced", events=events, grace=events / 50 + 10)
    with standing() as stand:
        stand.baseline.become(f"spaced:{events}")
        stand.candidate.become(f"spaced:{events}")
        memory = stream_bytes(stand, plan) / 1e3
        outcomes = alternate(stand, plan, rounds)
    rows = {
        name: {
            **{f"p{share:.1%}".removesuffix("%"): late_ms(runs, share) for share in (0.5, 0.99, 0.999)},
            "cpu_us_per_event": sum(each.cpu for each in runs) / (len(runs) * streams * events) * 1e6,
            "failed": float(sum(sum(each.seen.errors.values()) for each in runs)),
        }
        for name, runs in outcomes.items()
    }
    columns = ("late by, ms", "p50", "p99", "p99.9", "CPU us an event", "failed")
    print(table(columns, ((name, *(f"{value:.2f}" for value in row.values())) for name, row in rows.items())))
    print(f"\nan open stream holds {memory:.0f} kB beside its captured text\n")
    targets = [
        Target("lateness of an event, p99", late_ms(outcomes[Slipgauge.name], 0.99), LATENESS_MS, " ms"),
        Target("memory of an open stream, captured text aside", memory, STREAM_KB, " kB"),
    ]
    faults = [f"{failed:.0f} streams failed" for failed in [rows[Slipgauge.name]["failed"]] if failed]
    states = [each.states for each in outcomes[Slipgauge.name]]
    unpaired = sum(each["total"] - each["paired"] for each in states)
    if unpaired:
        faults.append(f"{unpaired} of {sum(each['total'] for each in states)} streams were not paired")
    finish(wanted, {"rows": rows, "stream_kb": memory}, targets, faults)


if __name__ == "__main__":
    main()
