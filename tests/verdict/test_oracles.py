"""Every check value of the formulas that the verdict rests on, or is held against."""

from __future__ import annotations

from math import exp, log

import pytest

from tests.verdict.oracles import beta_binomial, discordant, gamma_exponential, mixture, plug_in, root
from verdict.counts import Counts
from verdict.evidence import Evidence
from verdict_report.figures import growth, upper_limit

X = (1, 1, 0, -1, 1)
STAKES = (0.1, 0.2, 0.4, 0.8)


@pytest.mark.parametrize(("margin", "value"), [(0.0, 1.348275), (0.01, 1.318108)])
def test_the_mixture_of_bets_and_the_same_written_as_quotients(margin: float, value: float) -> None:
    counts = Counts()
    for x in X:
        counts.add(x)
    quotients = [stake / (1 - stake * margin) for stake in STAKES]

    assert mixture(X, STAKES, margin) == pytest.approx(value, abs=1e-6)
    assert sum(map(exp, counts.logs(quotients, margin))) / 4 == pytest.approx(value, abs=1e-6)


def test_the_plug_in_bets() -> None:
    staked, capital = zip(*plug_in(X, 0.0), strict=True)

    assert staked == pytest.approx((0, 0.5, 0.5, 0.5, 0.22756), abs=1e-5)
    assert capital == pytest.approx((1, 1.5, 1.5, 0.75, 0.920670), abs=1e-6)


@pytest.mark.parametrize(
    ("worse", "better", "a", "value"),
    [(5, 0, 0.5, 15.6418), (10, 2, 0.5, 8.1323), (20, 8, 0.5, 4.2068), (5, 0, 1, 10.5), (10, 2, 1, 9.4406)],
)
def test_the_e_value_of_discordant_pairs(worse: int, better: int, a: float, value: float) -> None:
    assert discordant(worse, better, a) == pytest.approx(value, abs=1e-4)


def test_the_published_mixtures() -> None:
    assert gamma_exponential(10, 100, 100, 2) == pytest.approx(-0.2490165, abs=1e-7)
    assert root(lambda s: gamma_exponential(s, 100, 100, 2) - log(20), 0, 90) == pytest.approx(33.02017, abs=1e-5)
    for one_sided, value in ((True, -0.07134019), (False, -0.6941012)):
        found = beta_binomial(10, 100, 100, 0.2, 0.8, one_sided=one_sided)
        assert found == pytest.approx(value, abs=1e-7)
    bound = root(lambda s: beta_binomial(s, 100, 100, 0.2, 0.8, one_sided=True) - log(20), 0, 60)
    assert bound == pytest.approx(28.41238, abs=1e-5)


def test_the_published_interval_of_a_rate() -> None:
    def inside(p: float, g: float, h: float, s: float) -> float:
        spread = p * (1 - p)
        return beta_binomial(s, 1000 * spread, 100 * spread, g, h, one_sided=False) - log(20)

    lower = root(lambda p: -inside(p, p, 1 - p, 700 - 1000 * p), 0.01, 0.7)
    upper = root(lambda p: inside(p, 1 - p, p, 1000 * p - 700), 0.7, 0.99)

    assert (lower, upper) == pytest.approx((0.651629, 0.745949), abs=1e-6)


@pytest.mark.parametrize(
    ("up", "down", "margin", "sessions"),
    [
        *((0.059, 0.005, 0, 172), (0.059, 0.005, 0.01, 247), (0.011, 0.001, 0, 945)),
        *((0.015, 0.005, 0, 1760), (0.015, 0.005, 0.005, 6950), (0.09, 0.05, 0.01, 1406)),
    ],
)
def test_the_fewest_sessions_that_a_slip_takes(up: float, down: float, margin: float, sessions: int) -> None:
    assert log(100) / growth(up, down, margin) == pytest.approx(sessions, rel=0.001, abs=0.6)


@pytest.mark.parametrize(("weight", "sessions"), [(1, 172), (1 / 4, 223), (1 / 8, 249)])
def test_a_smaller_share_of_alpha_takes_more_of_them(weight: float, sessions: int) -> None:
    assert log(100 / weight) / growth(0.059, 0.005, 0) == pytest.approx(sessions, abs=0.5)


@pytest.mark.parametrize(("margin", "least"), [(0.005, 598), (0.01, 298), (0.02, 148)])
def test_no_session_fewer_than_any_test_needs_is_called_safe(margin: float, least: int) -> None:
    evidence, sessions = Evidence(margin, 0.01), 0
    while not evidence.safe(0.05):
        evidence.observe(0, 0)
        sessions += 1

    assert log(20) / margin == pytest.approx(least, abs=2)
    assert least < sessions < 1.5 * least


def test_an_exact_upper_limit() -> None:
    assert upper_limit(0, 10_000) == pytest.approx(1 - 0.05 ** (1 / 10_000), abs=1e-6)  # in closed form
    assert upper_limit(10, 10) == 1.0


def test_harm_is_about_as_strong_as_the_exact_e_value_of_discordant_pairs() -> None:
    evidence = Evidence(0.0, 1e-9)
    for number in range(28):
        x = 1 if number % 7 < 5 else -1
        evidence.observe(x, x)

    assert evidence.harm_log_e == pytest.approx(log(discordant(20, 8, 0.5)), abs=1)
