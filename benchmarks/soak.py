"""Half an hour of mixed faults: does anything grow, is anything lost, does a client notice?

    python -m benchmarks.soak [--minutes 30] [--rate 100] [--quick] [--json FILE]

The candidate changes its way every ten seconds; clients ask for plain answers, streams in one write and spaced
streams in turn. After each time through all ways memory and descriptors are looked at, once the analyzers
have nothing left to do; slopes are least squares over those looks, the first two left out. At the end the ledger
must add up: to itself, to what the clients sent and to /metrics.

Then a fresh gateway takes 20,000 requests before a candidate that hangs, and must end as large as after 2,000.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from statistics import linear_regression
from time import monotonic

from benchmarks.figures import Target
from benchmarks.load import Answer, Plan
from benchmarks.peers import Slipgauge
from benchmarks.process import descriptors
from benchmarks.report import finish, options
from benchmarks.scenarios import MISBEHAVING
from benchmarks.stand import Stand, standing

WAYS = ("healthy", *MISBEHAVING, "deaf", "absent", "spaced")
ANSWERS: tuple[Answer, ...] = ("plain", "at_once", "spaced")
PHASE = 10.0
"""Seconds of each way."""
WARM = 2
"""Looks left out, where there are enough: caches fill, connections open."""
GROWTH_MB = 5.0
"""Most that the fitted line may rise from its first look to its last."""
HUNG_MB = 30.0


@dataclass
class Looks:
    """What was seen of the gateway, time after time."""

    hours: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    """Megabytes."""
    descriptors: list[float] = field(default_factory=list)

    def slope(self, values: Sequence[float]) -> float:
        """Growth an hour, by least squares."""
        first = self._first()
        return linear_regression(self.hours[first:], values[first:]).slope

    def growth(self, values: Sequence[float]) -> float:
        """How far the fitted line rises from the first look to the last."""
        return self.slope(values) * (self.hours[-1] - self.hours[self._first()])

    def _first(self) -> int:
        return min(WARM, len(self.hours) - 2)


def soak(
    stand: Stand, gateway: Slipgauge, rate: float, phase: float, seconds: float
) -> tuple[Looks, int, Counter[str]]:
    """Send load while the candidate goes through its ways; the looks, requests sent, those that failed by how."""
    looks, sent, failed = Looks(), 0, Counter[str]()
    answers = cycle(ANSWERS)
    started = monotonic()
    while monotonic() - started < seconds or len(looks.hours) < 2:
        for way in WAYS:
            answer = next(answers)
            stand.baseline.become("spaced" if answer == "spaced" else "healthy")
            stand.candidate.become(way)
            plan = Plan(gateway.port, int(rate * phase), rate=rate, answer=answer, seed=sent)
            seen = stand.run(gateway, plan).seen
            sent += plan.count
            failed.update({f"{error}, candidate {way}, {answer}": count for error, count in seen.errors.items()})
        stand.candidate.become("healthy")
        looks.hours.append((monotonic() - started) / 3600)
        looks.resident.append(gateway.resident_bytes() / 1e6)
        looks.descriptors.append(descriptors(gateway.pids[0]))
        minutes = looks.hours[-1] * 60
        print(
            f"{minutes:.1f} min: {sent} requests, {failed.total()} failed, {looks.resident[-1]:.1f} MB,"
            f" {looks.descriptors[-1]:.0f} descriptors",
            file=sys.stderr,
            flush=True,
        )
    return looks, sent, failed


def account(gateway: Slipgauge, sent: int) -> Iterator[str]:
    """What does not add up, once nothing is under way."""
    ledger = dict(gateway.ledger())
    total, still_open, _ = (ledger.pop(name) for name in ("total", "open", "unscored"))
    if not total == sent == sum(ledger.values()) or still_open:
        yield f"{sent} requests were sent; the ledger has {total}, {still_open} of them open, and states {ledger}"
    for state, count in ledger.items():
        counted = gateway.metric(f'slipgauge_ledger_total{{primary="baseline",state="{state}"}}')
        if counted != count:
            yield f"/metrics has {counted:.0f} requests as {state}, /ledger {count}"


def hung_growth(stand: Stand, requests: int) -> float:
    """Megabytes that a fresh gateway grows by between a tenth of the requests and all, the candidate hanging."""
    gateway = stand.peer(Slipgauge, 1.0)
    stand.baseline.become("healthy")
    stand.candidate.become("hung")
    stand.run(gateway, Plan(0, requests // 10))
    before = gateway.resident_bytes()
    stand.run(gateway, Plan(0, requests - requests // 10))
    grown = gateway.resident_bytes() - before
    stand.candidate.become("healthy")
    return grown / 1e6


def main() -> None:
    """Run, print, judge."""
    parser = options("benchmarks.soak", __doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default 30)")
    parser.add_argument("--rate", type=float, default=100.0, help="arrivals a second")
    wanted = parser.parse_args()
    phase, seconds = (0.2, 0.0) if wanted.quick else (PHASE, wanted.minutes * 60)
    with standing() as stand:
        gateway = stand.peer(partial(Slipgauge, changes={}), 1.0)  # as it comes: it ejects, it sheds
        looks, sent, failed = soak(stand, gateway, wanted.rate, phase, seconds)
        faults = list(account(gateway, sent))
        states = {state: count for state, count in gateway.ledger().items() if count}
        hung = hung_growth(stand, 400 if wanted.quick else 20_000)
    if failed:
        faults.append(f"{failed.total()} of {sent} requests failed: {dict(failed)}")
    slopes = {"resident_mb": looks.slope(looks.resident), "descriptors": looks.slope(looks.descriptors)}
    print(f"{sent} requests in {looks.hours[-1] * 60:.1f} minutes; ledger: {states}")
    print(f"an hour: {slopes['resident_mb']:+.2f} MB, {slopes['descriptors']:+.2f} descriptors\n")
    targets = [
        Target("memory grown while soaking, fitted", looks.growth(looks.resident), GROWTH_MB, " MB"),
        Target("descriptors grown while soaking, fitted", looks.growth(looks.descriptors), 5.0),
        Target("memory grown from a tenth of the requests to all, candidate hung", hung, HUNG_MB, " MB"),
    ]
    figures = {"requests": sent, "failed": dict(failed), "states": states, "an_hour": slopes, "looks": vars(looks)}
    finish(wanted, figures, targets, faults)


if __name__ == "__main__":
    main()
