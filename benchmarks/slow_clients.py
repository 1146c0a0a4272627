"""Clients that read a kilobyte a second of a 100 MB stream, and a mirror that reads nothing: do others feel it?

    python -m benchmarks.slow_clients [--clients 500] [--rounds 5] [--quick] [--json FILE]

Three gateways stand before the same servers: with no slow client, with one, and with all of them, who stay
throughout. Other clients' load alternates between the three; the servers answer it at once. Memory is how much
larger the gateway with all slow clients gets than the one with none. Then, with prompts of 100 kB, the candidate
alternates between answering and not even reading its requests.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Target, quantile, table
from benchmarks.load import Plan
from benchmarks.messages import request
from benchmarks.outcome import Outcome
from benchmarks.peers import Slipgauge
from benchmarks.peers.slipgauge import UNSPARED
from benchmarks.report import finish, options
from benchmarks.stand import Stand, standing

BYTES_A_SECOND = 1_024
MOST = 1.1
CLIENT_KB = 1_000.0
"""What a slow client may cost: a hundredth of its answer."""
MIRROR_MB = 64.0
"""What a mirror that reads nothing may cost: mirror.in_flight requests of 100 kB, ten times over."""
Runs = dict[str, list[Outcome]]


def slipgauge(folder: Path, baseline: int, candidate: int, share: float) -> Slipgauge:
    """Slipgauge that captures little of an answer, so that it grows by what it holds for slow clients alone.

    It also has patience with them: the system's buffers take so much that a minute may pass without a write.
    """
    changes = {**UNSPARED, "mirror": {"answer_bytes": 65_536}, "limits": {"idle_timeout": 3_600.0}}
    return Slipgauge(folder, baseline, candidate, share, changes)


@contextmanager
def reading_slowly(port: int, clients: int) -> Iterator[list[int]]:
    """Open streams and take a kilobyte a second of each; how many seconds each has been given something."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
    taken = [0] * clients
    over = threading.Event()

    def read() -> None:
        while not over.wait(1.0):
            for number, sock in enumerate(sockets):
                taken[number] += bool(sock.recv(BYTES_A_SECOND))

    for number, sock in enumerate(sockets):
        sock.settimeout(30)
        sock.sendall(request(number, stream=True))
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()
        for sock in sockets:
            sock.close()


def with_slow_clients(stand: Stand, plan: Plan, clients: int, rounds: int) -> tuple[Runs, float, list[str]]:
    """Other clients' runs by how many slow ones there are, kilobytes that a slow one costs, and what went wrong."""
    stand.baseline.become("large")
    stand.candidate.become("large")
    peers = {count: stand.peer(slipgauge, 1.0) for count in (0, 1, clients)}
    runs: Runs = {}
    with ExitStack() as stack:
        taken = [stack.enter_context(reading_slowly(peer.port, count)) for count, peer in peers.items()]
        for peer in peers.values():
            stand.run(peer, plan)  # warms up, while the slow clients' mirrors reach their bound
        most = 0.0
        for _ in range(rounds):
            for count, peer in peers.items():
                runs.setdefault(f"slow clients: {count}", []).append(stand.run(peer, plan))
            most = max(most, peers[clients].resident_bytes() - peers[0].resident_bytes())
        cut_off = sum(times < max(of_all) - 2 for of_all in taken[1:] for times in of_all)
    return runs, most / clients / 1e3, [f"{cut_off} slow clients were cut off"] if cut_off else []


def with_deaf_mirror(stand: Stand, plan: Plan, rounds: int) -> tuple[Runs, float]:
    """Runs with a candidate that answers and with one that reads nothing, and megabytes that the latter costs."""
    gateway = stand.peer(Slipgauge, 1.0)
    runs: Runs = {}
    stand.baseline.become("healthy")
    stand.candidate.become("healthy")
    stand.run(gateway, plan)  # warms up
    before = most = gateway.resident_bytes()
    for _ in range(rounds):
        for way in ("healthy", "deaf"):
            stand.candidate.become(way)
            runs.setdefault(f"mirror {way}, 100 kB prompts", []).append(stand.run(gateway, plan))
            most = max(most, gateway.resident_bytes())
            stand.candidate.become("healthy")
    return runs, (most - before) / 1e6


def at(runs: Sequence[Outcome], share: float) -> float:
    """A quantile over all runs, milliseconds."""
    return quantile([latency for each in runs for latency in each.seen.latencies], share) / 1e3


def main() -> None:
    """Run, print, judge."""
    parser = options("benchmarks.slow_clients", __doc__)
    parser.add_argument("--clients", type=int, default=500, help="slow clients")
    parser.add_argument("--rounds", type=int, default=5, help="alternated slices")
    wanted = parser.parse_args()
    clients, rounds = (20, 1) if wanted.quick else (wanted.clients, wanted.rounds)
    plan = Plan(0, 100 if wanted.quick else 1_200, rate=300)
    with standing(apart=True) as stand:
        slow, client_kb, faults = with_slow_clients(stand, plan, clients, rounds)
        large = replace(plan, count=plan.count // 3, rate=100, prompt_bytes=100_000)
        deaf, mirror_mb = with_deaf_mirror(stand, large, rounds)
    runs = slow | deaf
    lines = [(name, *(f"{at(each, share):.2f}" for share in (0.5, 0.99, 0.999))) for name, each in runs.items()]
    print(table(("others' latency, ms", "p50", "p99", "p99.9"), lines))
    print(f"\na slow client costs {client_kb:.0f} kB, a mirror that reads nothing {mirror_mb:.0f} MB\n")
    none, one, many = slow.values()
    good, bad = deaf.values()
    targets = [
        Target("p99 beside one slow client, to none", at(one, 0.99) / at(none, 0.99), MOST, "x"),
        Target(f"p99 beside {clients} slow clients, to none", at(many, 0.99) / at(none, 0.99), MOST, "x"),
        Target("memory of a slow client", client_kb, CLIENT_KB, " kB"),
        Target(
            "p99 with a mirror that reads nothing, to one that answers", at(bad, 0.99) / at(good, 0.99), MOST, "x"
        ),
        Target("memory of a mirror that reads nothing", mirror_mb, MIRROR_MB, " MB"),
    ]
    for name, each in runs.items():
        failed = sum(sum(run.seen.errors.values()) for run in each)
        faults += [f"{name}: {failed} requests of others failed"] if failed else []
    latencies = {name: {str(share): at(each, share) for share in (0.5, 0.99, 0.999)} for name, each in runs.items()}
    finish(wanted, {"latency_ms": latencies, "slow_client_kb": client_kb, "mirror_mb": mirror_mb}, targets, faults)


if __name__ == "__main__":
    main()
