"""Which parts of the pool a pair belongs to, with which weight. Pure.

`uniform` takes every pair alike: rates are estimated from it. `divergent` prefers pairs whose answers lie far
apart. Each failure that an analyzer names has a stratum of its own, `variable:label`, so that a rare one is not
crowded out by a frequent one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from analyzers.finding import Finding, Measurement, Outcome, Score
from cases.divergence import divergence

UNIFORM = "uniform"
DIVERGENT = "divergent"
SLIP, GAIN, BOTH = 4.0, 2.0, 1.0
"""Weights of a pair that only the candidate failed, only the baseline, both: the first are what is looked for."""
_POWER = 4
"""A pair twice as far apart is 16 times as likely to stay."""


class Place(NamedTuple):
    """A stratum that a pair belongs to."""

    stratum: str
    weight: float
    """How much it is preferred there, above 0."""


def places(findings: Iterable[Finding], measurements: Iterable[Measurement]) -> tuple[Place, ...]:
    """Every stratum of a pair of which this was said, `uniform` first."""
    found = {UNIFORM: 1.0}
    if apart := divergence(measurements):
        found[DIVERGENT] = apart**_POWER
    for finding in findings:
        if (place := _failed(finding)) is not None:
            found[place.stratum] = place.weight
    return tuple(map(Place._make, found.items()))


def _failed(finding: Finding) -> Place | None:
    """The stratum of what failed, by the candidate's label where it did; None where both passed."""
    candidate, baseline = _bad(finding.candidate), _bad(finding.baseline)
    if not candidate and not baseline:
        return None
    label = (finding.candidate if candidate else finding.baseline).label
    weight = BOTH if candidate and baseline else SLIP if candidate else GAIN
    return Place(f"{finding.variable}:{label}", weight)


def _bad(score: Score) -> bool:
    return score.outcome is Outcome.FAIL
