from __future__ import annotations

import pytest

from verdict.weights import discount


@pytest.mark.parametrize(("inclusion", "least", "counts"), [(0.05, 0.05, 1), (0.5, 0.05, 0.1), (0.01, 0.05, 1)])
def test_the_likelier_a_session_was_to_be_chosen_the_less_it_counts(
    inclusion: float, least: float, counts: float
) -> None:
    assert discount(inclusion, least) == pytest.approx(counts)


@pytest.mark.parametrize(("inclusion", "least"), [(0, 0.1), (0.1, 0), (1.1, 0.1), (float("nan"), 0.1)])
def test_what_is_no_probability_is_refused(inclusion: float, least: float) -> None:
    with pytest.raises(ValueError, match="should be above 0"):
        discount(inclusion, least)
