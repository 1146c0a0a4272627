"""Who stays in a stratum: priority sampling, by which every sum over the traffic can be estimated. Pure.

A pair of weight w draws u in (0, 1] and has the rank q = w/u. Of each stratum the k greatest ranks stay; with the
threshold t, the greatest rank that did not, a pair was included with probability p = min(1, w/t), and the sum over
the sample of x/p is an unbiased estimate of the sum of x over all pairs (Duffield, Lund & Thorup 2007, "Priority
sampling for estimation of arbitrary subset sums", J. ACM 54(6), section 2). With w = 1 it is a bottom-k reservoir.

Pairs also leave by age, which makes room again, so each has a threshold of its own: the greatest rank that was
turned away or put out since it came. Whether it is still there hangs on its own rank against that threshold alone,
and no other pair's fate hangs on its rank, so that sums stay unbiased (Ting 2022, "Adaptive threshold sampling",
SIGMOD, section 3: thresholds that may be substituted). u is a hash, so that two processes that look at the same
pair, and a second look after a restart, draw the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from cases.case import Stratum
from cases.strata import Place


class Draw(NamedTuple):
    """One pair's membership in a stratum."""

    weight: float
    threshold: float
    """The greatest rank that its own had to exceed."""

    @property
    def probability(self) -> float:
        """With which it was included, in (0, 1]."""
        return 1.0 if self.threshold <= self.weight else self.weight / self.threshold


def rank(pair_id: str, stratum: str, weight: float) -> float:
    """The pair's rank in this stratum; independent of its ranks in others."""
    digest = blake2b(f"{stratum} {pair_id}".encode(), digest_size=8, person=b"case").digest()
    return weight * 2**64 / (int.from_bytes(digest, "little") + 1)


def chances(pair_id: str, places: Iterable[Place], floors: Mapping[str, float]) -> tuple[Stratum, ...]:
    """The strata whose floors the pair exceeds, and how likely that was: beside the gateway, before it is sent."""
    return tuple(
        Stratum(stratum, Draw(weight, floors.get(stratum, 0.0)).probability)
        for stratum, weight in places
        if rank(pair_id, stratum, weight) > floors.get(stratum, 0.0)
    )


def gate(weight: float, probability: float) -> float:
    """The threshold that a pair of this weight has already passed with this probability."""
    return weight / probability if probability < 1.0 else 0.0


def lowered(floor: float, left: int, size: int) -> float:
    """The floor of a stratum of `size` places after some were vacated, so that `left` are taken.

    It sinks by as much as there is room, so that new pairs fill it without a flood.
    """
    return floor * min(1.0, left / size)


def total(draws: Iterable[tuple[Draw, float]]) -> float:
    """The estimated sum of x over all pairs of a stratum, from its members and their x (Horvitz-Thompson)."""
    return sum(value / draw.probability for draw, value in draws)
