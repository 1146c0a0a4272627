"""Other tests of the same hypotheses, by their published formulas: to hold the project's own against.

Their own check values are in test_oracles.py; those of the mixtures over a scale are from confseq's
`test/uniform_boundaries_unittest.cpp` (MIT).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp, lgamma, log, log1p


def log_beta(a: float, b: float) -> float:
    """Log of the beta function."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_share(1 - x, b, a)
    fraction = 1.0
    for i in range(400, 0, -1):
        m = i // 2
        top = m * (b - m) if i % 2 == 0 else -(a + m) * (a + b + m)
        fraction = 1 + top * x / ((a + i - 1) * (a + i)) / fraction
    return exp(a * log(x) + b * log1p(-x) - log_beta(a, b)) / a / fraction


def gamma_share(a: float, x: float) -> float:
    """The regularised lower incomplete gamma function, by its series (DLMF 8.11.4)."""
    term = total = 1 / a
    n = a
    while term > total * 1e-17:
        n += 1
        term *= x / n
        total += term
    return total * exp(a * log(x) - x - lgamma(a))


def mixture(x: Iterable[float], staked: Sequence[float], margin: float) -> float:
    """The mean over stakes of prod (1 + lambda (X - margin)): arXiv 2010.09686, section 4."""
    capital = [1.0] * len(staked)
    for each in x:
        capital = [held * (1 + stake * (each - margin)) for held, stake in zip(capital, staked, strict=True)]
    return sum(capital) / len(capital)


def plug_in(x: Iterable[float], margin: float, most: float = 0.5) -> Iterator[tuple[float, float]]:
    """The stake before each X, and the capital after it: aGRAPA, arXiv 2010.09686, section B.3."""
    count, total, spread, capital = 0, 0.0, 0.25, 1.0
    for each in x:
        mean = total / (count + 1)
        variance = spread / (count + 1)
        stake = (mean - margin) / (variance + (mean - margin) ** 2)
        stake = min(max(stake, 0.0), most / (1 + margin))
        capital *= 1 + stake * (each - margin)
        yield stake, capital
        count, total, spread = count + 1, total + each, spread + (each - mean) ** 2


def discordant(worse: int, better: int, a: float) -> float:
    """The e-value of discordant pairs against equal arms, stakes by a Beta(a, a) prior on the worse side."""
    whole = log_beta(worse + a, better + a) - log_beta(a, a)
    return 2.0 ** (1 + worse + better) * exp(whole) * (1 - beta_share(0.5, worse + a, better + a))


def _rho(v_opt: float, alpha: float) -> float:
    scale = 2 * log(1 / alpha)
    return v_opt / (scale + log1p(scale))


def gamma_exponential(s: float, v: float, v_opt: float, c: float, alpha: float = 0.05) -> float:
    """Log of the gamma-exponential mixture: Howard et al., arXiv 1810.08240, proposition 9."""
    rho = _rho(v_opt, 2 * alpha)
    x, y, z = rho / c**2, (v + rho) / c**2, (c * s + v + rho) / c**2
    prior = x * log(x) - lgamma(x) - log(gamma_share(x, x))
    return prior + lgamma(y) + log(gamma_share(y, z)) - y * log(z) + (c * s + v) / c**2


def beta_binomial(
    s: float, v: float, v_opt: float, g: float, h: float, *, one_sided: bool, alpha: float = 0.05
) -> float:
    """Log of the beta-binomial mixture: Howard et al., arXiv 1810.08240, proposition 7."""
    r = max(_rho(v_opt, 2 * alpha if one_sided else alpha) - g * h, 1e-3 * g * h)
    unit = g + h

    def whole(a: float, b: float) -> float:
        return log_beta(a, b) + (log(beta_share(h / unit, a, b)) if one_sided else 0)

    posterior = whole((r + v) / (g * unit) - s / unit, (r + v) / (h * unit) + s / unit)
    powers = v / (g * h) * log(unit) - (v / h + s) / unit * log(g) - (v / g - s) / unit * log(h)
    return powers + posterior - whole(r / (g * unit), r / (h * unit))


def root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function is 0."""
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return low
