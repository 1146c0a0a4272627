"""How much a session stands for that was chosen with another probability than others. Pure."""

from __future__ import annotations


def discount(inclusion: float, least: float) -> float:
    """pi_min / pi: what a session counts that was mirrored with probability `inclusion`.

    `least` is pi_min, the smallest probability that any session has, declared before the first. The more likely a
    session was to be chosen, the more like it were, and the less each counts: (X - margin) pi_min / pi has the mean
    that X - margin has over all traffic, times pi_min (Horvitz & Thompson 1952). A session less likely than was
    declared counts 1: a bet cannot stake more than it has. Raises ValueError where either is no probability.
    """
    if not (0 < inclusion <= 1 and 0 < least <= 1):
        raise ValueError(f"found inclusion {inclusion} and least {least}, should be above 0 and at most 1")
    return min(1.0, least / inclusion)
