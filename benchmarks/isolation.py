"""Does a client feel what the candidate does? Latency with a bad candidate beside latency with the shadow off.

    python -m benchmarks.isolation [--requests 20000] [--rate 300] [--think MS] [--only TEXT] [--unspared] [--quick]

Two gateways stand before the same servers, one that mirrors nothing and one that samples everything. Both are as
they come: what extra legs may spend is bounded, servers that fail are ejected, a late event loop sheds mirrors.
With --unspared all that is switched off, which measures the work and not the protection. Slices of load alternate
between them: shadow off, candidate hung, shadow off, candidate dripping, and so on, in another order each time
round. Three more are among them for comparison: a healthy candidate, which is what mirroring itself costs, however
well it goes; a gateway that samples everything and sends nothing; a second one that mirrors nothing, whose ratio
is noise. A ratio is of quantiles over all slices of a kind; its interval is what 95 % of draws of the slices give,
each with the one of shadow off before it (bootstrap by clusters, Efron and Tibshirani 1993, section 8). The
baseline's answers are plain and come at once, far sooner than a model's: with --think after so many milliseconds.
The candidate's process yields the processor to the others. A host that takes the processor from this machine is
felt in p99 far more than a mirror: slices run in pairs, shadow off and then bad, until enough have had at most
CALM taken, or for twice the rounds, and those of which least was taken count, whatever was measured in them; but a
host can take only from a machine that has work, so that pairs with less to do are a little more likely to count.
Requests that failed count in all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import fmean
from time import monotonic

import numpy as np

from benchmarks.figures import Target, quantile, table
from benchmarks.load import Plan
from benchmarks.machine import stolen
from benchmarks.outcome import Outcome
from benchmarks.peers import Slipgauge
from benchmarks.peers.slipgauge import UNSPARED, Changes
from benchmarks.report import finish, options
from benchmarks.scenarios import MISBEHAVING
from benchmarks.stand import standing

JUDGED = {"p99": 0.99, "p99.9": 0.999}
QUANTILES = {"p50": 0.5, **JUDGED}
Ratios = Mapping[str, Mapping[str, tuple[float, float, float]]]
"""By row and quantile: the ratio, and its interval."""
MOST = 1.1
SLICES = 20
CALM = 0.002
"""Share of the machine's time that a host may take during a pair of slices, for it to count without a doubt."""
DRAWS = 1_000
"""Times that slices are drawn for an interval."""
ALL = "any way that is bad"
AGAIN = "off again"
"""A second gateway that mirrors nothing: what differs between two that do the same."""
UNSENT = "all sampled, none sent"
"""One that samples everything, and may spend next to nothing on it: what sampling costs alone."""
AS_IT_COMES: Changes = {"baseline": {"extra": {}}, "candidate": {"extra": {}}}
POOR: Changes = {**AS_IT_COMES, "candidate": {"extra": {"tokens_per_second": 0.001}}}
CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Pair:
    """A slice with shadow off, and one with the candidate bad, or of a comparison, right after it."""

    off: Outcome
    bad: Outcome
    taken: float
    """Share of the machine's time that the host took for others meanwhile."""


@dataclass
class Kind:
    """All pairs of one way of the candidate."""

    pairs: list[Pair] = field(default_factory=list)

    def calmest(self, count: int) -> Kind:
        """Those during which the host took least, in the order in which they ran."""
        numbers = sorted(range(len(self.pairs)), key=lambda number: self.pairs[number].taken)
        return Kind([self.pairs[number] for number in sorted(numbers[:count])])

    def calm(self) -> int:
        """How many the host left alone."""
        return sum(pair.taken <= CALM for pair in self.pairs)

    @property
    def failed(self) -> int:
        """Requests that failed with the candidate bad."""
        return sum(sum(pair.bad.seen.errors.values()) for pair in self.pairs)


@dataclass(frozen=True)
class Row:
    """One way of the candidate, or several together."""

    name: str
    kinds: Sequence[Kind]

    @property
    def bad(self) -> list[Outcome]:
        """Slices with the candidate bad."""
        return [pair.bad for kind in self.kinds for pair in kind.pairs]

    @property
    def off(self) -> list[Outcome]:
        """Those of shadow off before them."""
        return [pair.off for kind in self.kinds for pair in kind.pairs]

    @property
    def taken(self) -> float:
        """Share of the machine's time that the host took for others."""
        return fmean(pair.taken for kind in self.kinds for pair in kind.pairs)

    def ratio(self, share: float) -> float:
        """How much longer a client waits, at this quantile."""
        return at(self.bad, share) / at(self.off, share)

    def interval(self, share: float) -> tuple[float, float]:
        """Between what the ratio lies, had these slices been others of their kind: drawn within each way."""
        pairs = [
            [(np.array(pair.bad.seen.latencies), np.array(pair.off.seen.latencies)) for pair in kind.pairs]
            for kind in self.kinds
        ]
        random, ratios = Random(0), []
        for _ in range(DRAWS):
            drawn = [each for same in pairs for each in random.choices(same, k=len(same))]
            over, under = (
                np.quantile(np.concatenate(latencies), share, method="inverted_cdf")
                for latencies in zip(*drawn, strict=True)
            )
            ratios.append(over / under)
        low, high = np.quantile(ratios, (0.025, 0.975))
        return float(low), float(high)


def at(outcomes: Sequence[Outcome], share: float) -> float:
    """A quantile over all runs, microseconds."""
    return quantile([latency for each in outcomes for latency in each.seen.latencies], share)


def alternate(slice_: Plan, slices: int, changes: Changes, ways: Iterable[str], think: int) -> dict[str, Kind]:
    """Run the slices, through gateways with these changes to the bench's configuration."""
    kinds = {kind: Kind() for kind in (AGAIN, UNSENT, *ways)}
    with standing(apart=True) as stand:
        if think:
            stand.baseline.become(f"thinking:{think}")
        off, again, poor, on = (
            stand.peer(partial(Slipgauge, changes=those), share)
            for those, share in ((changes, 0.0), (changes, 0.0), (POOR, 1.0), (changes, 1.0))
        )
        apart = {AGAIN: again, UNSENT: poor}
        for peer in (off, again, poor, on):
            stand.run(peer, slice_)  # warms up
        order = Random(0)
        for _ in range(2 * slices):
            missing = [(name, kind) for name, kind in kinds.items() if kind.calm() < slices]
            for name, kind in order.sample(missing, len(missing)):
                began, before = monotonic(), stolen()
                alone = stand.run(off, slice_)
                stand.candidate.become("healthy" if name in apart else name)
                other = stand.run(apart.get(name, on), slice_)
                stand.candidate.become("healthy")
                kind.pairs.append(Pair(alone, other, (stolen() - before) / (CORES * (monotonic() - began))))
    return kinds


def shown(rows: Sequence[Row], ratios: Ratios) -> str:
    """Latencies and ratios, as a table."""
    columns = [f"{name} {which}" for name in QUANTILES for which in ("off, ms", "bad, ms", "ratio", "95 %")]
    return table(
        ("candidate", *columns, "mirrored", "host took"),
        (
            (
                row.name,
                *(
                    cell
                    for name, share in QUANTILES.items()
                    for cell in (
                        f"{at(row.off, share) / 1e3:.2f}",
                        f"{at(row.bad, share) / 1e3:.2f}",
                        "{:.2f}".format(*ratios[row.name][name]),
                        "{1:.2f} to {2:.2f}".format(*ratios[row.name][name]),
                    )
                ),
                f"{sum(each.mirrored for each in row.bad) / sum(each.requests for each in row.bad):.0%}",
                f"{row.taken:.2%}",
            )
            for row in rows
        ),
    )


def main() -> None:
    """Run, print, judge."""
    parser = options("benchmarks.isolation", __doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="for each way of the candidate")
    parser.add_argument("--rate", type=float, default=300, help="arrivals a second")
    parser.add_argument("--think", type=int, default=0, help="milliseconds that the baseline takes for an answer")
    parser.add_argument("--only", default="", help="only ways of the candidate whose names hold this text")
    parser.add_argument("--unspared", action="store_true", help="nothing is shed, bounded or ejected")
    wanted = parser.parse_args()
    slices, requests = (2, 200) if wanted.quick else (SLICES, wanted.requests)
    changes = UNSPARED if wanted.unspared else AS_IT_COMES
    ways = [way for way in ("healthy", *MISBEHAVING) if wanted.only in way]
    kinds = alternate(Plan(0, requests // slices, rate=wanted.rate), slices, changes, ways, wanted.think)
    faults = [f"candidate {way}: {kind.failed} requests failed" for way, kind in kinds.items() if kind.failed]
    counted = {way: kind.calmest(slices) for way, kind in kinds.items()}
    rows = [Row(way, [kind]) for way, kind in counted.items()]
    faulty = [kind for way, kind in counted.items() if way in MISBEHAVING]
    if len(faulty) > 1:
        rows.append(Row(ALL, faulty))
    ratios = {
        row.name: {name: (row.ratio(share), *row.interval(share)) for name, share in QUANTILES.items()}
        for row in rows
    }
    print(shown(rows, ratios), end="\n\n")
    ran = {way: {"pairs": len(kind.pairs), "calm": kind.calm()} for way, kind in kinds.items()}
    told = (f"{way} {of['pairs']} ({of['calm']} calm)" for way, of in ran.items())
    print("pairs of slices that ran, of which", slices, "count:", ", ".join(told))
    targets = [
        Target(f"{name} with the candidate {row.name}, to shadow off", ratios[row.name][name][0], MOST, "x")
        for row in rows
        if row.name in (*MISBEHAVING, ALL)
        for name in JUDGED
    ]
    taken = {row.name: row.taken for row in rows}
    figures = {"requests": requests, "ran": ran, "taken": taken, "ratios": ratios, "think": wanted.think}
    finish(wanted, figures, targets, faults)


if __name__ == "__main__":
    main()
