"""From runs to figures: medians over alternated runs, ratios, targets, and tables of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from benchmarks.outcome import Outcome

QUANTILES = (0.5, 0.99, 0.999)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed. Raises ValueError where there is none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[ceil(share * len(values)) - 1]


@dataclass(frozen=True)
class Row:
    """One peer in one scenario: medians over its runs, sums of what was counted."""

    scenario: str
    peer: str
    runs: int
    cpu_us: float
    """Microseconds of CPU per request, or per event where the scenario counts events."""
    requests_per_second: float
    latency_us: tuple[float, ...]
    """At QUANTILES."""
    added_us: tuple[float, ...]
    """The same, less the direct run's of the same round; empty where there is none."""
    requests: int
    mirrored: int
    """Requests that the candidate read."""
    sampled: int | None
    """Requests that the peer says it meant to mirror; None where it says nothing."""
    paired: int | None
    """Requests of which the peer says that both answers were captured whole."""
    unscored: int | None
    """Pairs that the peer says its analyzers had no time for."""
    errors: dict[str, int]
    resident: int
    """Bytes in RAM after the last run."""

    @property
    def honest(self) -> bool:
        """Whether the cost is that of all the work: at least 99 % of what was to be mirrored was."""
        return self.sampled is None or min(self.mirrored, self.paired or 0) >= 0.99 * self.sampled


def row(scenario: str, peer: str, outcomes: Sequence[Outcome], direct: Sequence[Outcome], units: int) -> Row:
    """Sum up a peer's runs in one scenario; `units` is what each request is divided into."""
    latencies = [[quantile(each.seen.latencies, q) for q in QUANTILES] for each in outcomes]
    bare = [[quantile(each.seen.latencies, q) for q in QUANTILES] for each in direct]
    added = [[a - b for a, b in zip(*pair, strict=True)] for pair in zip(latencies, bare, strict=bool(bare))]
    requests = sum(each.requests for each in outcomes)
    states = [each.states for each in outcomes if each.states]
    errors: dict[str, int] = {}
    for each in outcomes:
        for kind, count in each.seen.errors.items():
            errors[kind] = errors.get(kind, 0) + count
    return Row(
        scenario=scenario,
        peer=peer,
        runs=len(outcomes),
        cpu_us=median(each.cpu / (each.requests * units) * 1e6 for each in outcomes),
        requests_per_second=median(each.requests / each.seen.seconds for each in outcomes),
        latency_us=_medians(latencies),
        added_us=_medians(added),
        requests=requests,
        mirrored=sum(each.mirrored for each in outcomes),
        sampled=sum(each["total"] - each["not_sampled"] for each in states) if states else None,
        paired=sum(each["paired"] for each in states) if states else None,
        unscored=sum(each["unscored"] for each in states) if states else None,
        errors=errors,
        resident=outcomes[-1].resident,
    )


def _medians(runs: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(median(column) for column in zip(*runs, strict=True))


@dataclass(frozen=True)
class Target:
    """A figure beside the most that it should be."""

    what: str
    found: float
    most: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self.found <= self.most

    def __str__(self) -> str:
        verdict = "met" if self.met else "NOT MET"
        return (
            f"{verdict}: {self.what}: {self.found:,.2f}{self.unit}, should be at most {self.most:,.2f}{self.unit}"
        )


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    rows = [list(columns), *map(list, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(each, widths, strict=True))} |" for each in rows
    )
