from __future__ import annotations

from collections import Counter

import pytest

from analyzers_report.rates import Rate, accuracy, auc, precision, sensitivity, specificity

CELLS = Counter({(True, True): 8, (True, False): 2, (False, True): 4, (False, False): 16})


def test_rates_come_from_the_right_cells() -> None:
    assert sensitivity(CELLS) == Rate(8, 10)
    assert specificity(CELLS) == Rate(16, 20)
    assert precision(CELLS) == Rate(8, 12)
    assert accuracy(CELLS) == Rate(24, 30)


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [
        (Rate(8, 10), 0.4902, 0.9433),
        (Rate(0, 10), 0.0, 0.2775),
        (Rate(10, 10), 0.7225, 1.0),
        (Rate(0, 0), 0.0, 1.0),
    ],
)
def test_the_interval_is_wilsons(rate: Rate, low: float, high: float) -> None:
    assert rate.interval == pytest.approx((low, high), abs=5e-5)


def test_the_area_counts_pairs_and_ties_half() -> None:
    assert auc([(True, 2.0), (False, 1.0)]) == 1.0
    assert auc([(True, 1.0), (False, 2.0)]) == 0.0
    assert auc([(True, 1.0), (False, 1.0)]) == 0.5
    scored = [(True, 3.0), (False, 2.0), (True, 2.0), (False, 1.0), (True, 0.0)]
    wins = [1.0 * (a > b) + 0.5 * (a == b) for bad, a in scored if bad for good, b in scored if not good]
    assert auc(scored) == pytest.approx(sum(wins) / len(wins))
    with pytest.raises(ValueError, match="both kinds"):
        auc([(True, 1.0)])
