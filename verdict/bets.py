"""How much is staked on each side of a guardrail's margin, and what one observation makes of it. Pure.

A bet of stake lambda that the slip exceeds the margin multiplies its capital by
(1 + lambda X) / (1 + lambda margin). While E[X | past] <= margin it does not grow in expectation, so by Ville's
inequality it reaches 1/alpha at any time, however often anyone looks, with probability at most alpha: the capital
process of Waudby-Smith & Ramdas, arXiv 2010.09686, section 4, there prod (1 + lambda' (X - m)), which is the same
with lambda' = lambda / (1 + lambda m).

Written as a quotient, the capital also speaks of the *running* slip. The logarithm is concave, so a product of
1/(1 + lambda mu_i) is at least 1/(1 + lambda m)^n where the mu_i average m or less: no traffic need be alike.

Nobody knows the best stake beforehand, so the capital is spread over twenty (a discrete mixture: Howard et al.,
arXiv 1810.08240, section 3.3): geometric from 0.01 to 1 times the largest, in proportion to themselves, which
favours the large slips that a rollback is for.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, fsum, log

BETS = 20
MOST = 0.95
"""The largest stake at margin 0. At 1 a single X = -1 would ruin it."""
FRACTIONS = tuple(0.01 ** (1 - k / (BETS - 1)) for k in range(BETS))
"""The stakes, as shares of the largest."""
SHARES = tuple(fraction / fsum(FRACTIONS) for fraction in FRACTIONS)
"""The capital that each begins with; they sum to 1."""


@lru_cache(maxsize=256)
def stakes(margin: float) -> tuple[float, ...]:
    """The lambda of every bet for harm. All are below 1, so that no capital is ever lost whole."""
    return tuple(MOST / (1 + margin) * fraction for fraction in FRACTIONS)


SAFE_STAKES = stakes(0.0)
"""Those for safe, which live on sessions without a difference: the more is staked, the more each of these gives."""


@lru_cache(maxsize=4096)
def factors(margin: float, x: float, discount: float = 1.0) -> tuple[float, ...]:
    """What each bet's capital is multiplied by. With a discount, only that share of the capital is at stake.

    The discount is pi_min / pi: a session that was chosen with a larger probability stands for fewer. It makes of
    the bet 1 + lambda' (X - margin) pi_min / pi, the inverse-probability weighting of Horvitz & Thompson (1952)
    scaled to what a bet can stake (as in Waudby-Smith et al., arXiv 2210.10768).
    """
    return tuple(1 - discount + discount * (1 + each * x) / (1 + each * margin) for each in stakes(margin))


def log_sum_exp(logs: list[float]) -> float:
    """log(sum(exp(each))), without overflow."""
    most = max(logs)
    return most + log(fsum(exp(each - most) for each in logs))
