"""Rates and sums that are estimated from the pool are those of the traffic, on average over many draws.

The whole way is taken: the gate beside the gateway by the floors it was last told, the pool's own doors, and age.
`python -m tests.cases.test_unbiased 200` takes all 200 repeats of 10,000 pairs and prints what came out.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import fmean, stdev
from typing import NamedTuple

import pytest

from cases.case import Case, stamp
from cases.divergence import divergence
from cases.filter import Filter
from cases.sampling import chances
from cases.strata import Place, places
from proxy.cases.doors import Bounds
from proxy.cases.sqlite_pool import SqlitePool
from tests.cases.made import case, finding

PAIRS = 10_000
REPEATS = 20
"""In the suite; the docs tell of 200."""
TOLD_EVERY = 50
"""Pairs between two moments at which the gate hears of the floors."""
BOUNDS = Bounds(uniform=200, stratum=50, cases=100_000, age=86_400.0)
NOW = datetime(2026, 2, 1, tzinfo=UTC)
OLD, NEW = stamp(NOW - timedelta(days=2)), stamp(NOW)
SOME, FAR = 4_000, 1_000
"""The first of these grow too old half way through; the last of these come after that."""


class Truth(NamedTuple):
    """What is so of all pairs that are young enough, and what the pool says of them."""

    pairs: float
    slips: float
    """Share that only the candidate failed."""
    rare: float
    """Pairs in a stratum of few."""
    common: float
    """Pairs in a stratum of many, with three weights."""
    divergent: float
    """The sum of the squares of how far answers are apart."""


def traffic(seed: int) -> list[Case]:
    """Pairs of which about 6 % slip, more in the later part of the day, and 0.6 % break JSON."""
    draw, made = random.Random(seed), list[Case]()
    for number in range(PAIRS):
        slips = draw.random() < (0.03 if number < PAIRS / 2 else 0.09)
        fails = draw.random() < 0.2
        found = [finding("math.checked", baseline=fails, candidate=fails != slips)]
        if draw.random() < 0.02:
            found.append(finding("json.prompted", baseline=draw.random() < 0.3, candidate=draw.random() < 0.3))
        apart = draw.random() if draw.random() < 0.5 else 0.0
        made.append(case(str(number), *found, distance=apart, at=OLD if number < SOME else NEW))
    return made


def truth(pairs: list[Case]) -> Truth:
    named = [{place.stratum for place in places(each.findings, each.measurements)} for each in pairs]
    return Truth(
        len(pairs),
        fmean(each.findings[0].candidate.failed for each in pairs),
        sum("json.prompted:wrong" in names for names in named),
        sum("math.checked:wrong" in names for names in named),
        sum(divergence(each.measurements) ** 2 for each in pairs),
    )


def estimate(pairs: list[tuple[Case, tuple[Place, ...]]], repeat: int) -> tuple[Truth, float]:
    """What the pool says in the end, and the share of its cases that slip, unweighted."""
    with closing(SqlitePool(None, BOUNDS)) as pool:
        floors = pool.floors()
        for number, (each, wanted) in enumerate(pairs):
            if number % TOLD_EVERY == 0:
                floors = pool.floors()
            if number == PAIRS - FAR:
                pool.retire(NOW)
            pair_id = f"{repeat}-{each.pair_id}"
            if drawn := chances(pair_id, wanted, floors):
                pool.add(replace(each, pair_id=pair_id, strata=drawn))
        told, kept = pool.stats(), pool.find(Filter(limit=10_000))
    apart = sum(
        divergence(each.measurements) ** 2 / stratum.probability
        for each in kept
        for stratum in each.strata
        if stratum.name == "divergent"
    )
    rare, common = (told.strata[f"{name}:wrong"].pairs for name in ("json.prompted", "math.checked"))
    found = Truth(told.strata["uniform"].pairs, told.rates["math.checked"].candidate, rare, common, apart)
    return found, fmean(each.findings[0].candidate.failed for each in kept)


class Result(NamedTuple):
    name: str
    true: float
    mean: float
    error: float
    """Standard error of the mean."""


def measure(repeats: int) -> tuple[list[Result], float]:
    pairs = traffic(seed=1)
    so = truth([each for each in pairs if each.at == NEW])
    placed = [(each, places(each.findings, each.measurements)) for each in pairs]
    told = [estimate(placed, repeat) for repeat in range(repeats)]
    columns = zip(*(found for found, _ in told), strict=True)
    results = [
        Result(name, true, fmean(column), stdev(column) / math.sqrt(repeats))
        for name, true, column in zip(Truth._fields, so, columns, strict=True)
    ]
    return results, fmean(naive for _, naive in told)


@pytest.fixture(scope="module")
def measured() -> tuple[list[Result], float]:
    return measure(REPEATS)


@pytest.mark.timeout(180)
def test_estimates_are_right_on_average(measured: tuple[list[Result], float]) -> None:
    for result in measured[0]:
        assert abs(result.mean - result.true) < 4 * result.error, result
        assert result.error < 0.08 * result.true, "or the test could hardly fail"


def test_the_cases_counted_as_they_are_would_be_wrong(measured: tuple[list[Result], float]) -> None:
    """The pool is full of slips by design, which is why a verdict is never drawn from it."""
    (slips,) = [result for result in measured[0] if result.name == "slips"]

    assert measured[1] > 1.25 * slips.true


def lines(repeats: int) -> Iterator[str]:
    results, naive = measure(repeats)
    yield f"{PAIRS} pairs, {repeats} repeats"
    for name, true, mean, error in results:
        off = (mean - true) / error
        yield f"{name:>10}: {true:.5g} in truth, {mean:.5g} on average, {off:+.2f} standard errors off"
    yield f"{'unweighted':>10}: {naive:.5g} of the cases kept slip"


if __name__ == "__main__":
    print("\n".join(lines(int(sys.argv[1]))))  # noqa: T201
