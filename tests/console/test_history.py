from __future__ import annotations

from itertools import pairwise

from proxy.control.console.history import MOST, PERIOD, History, Slip
from verdict.judge import Judgement, State


def judged(slip: float | None, name: str = "served") -> Judgement:
    bound = None if slip is None else slip
    return Judgement(name, State.INCONCLUSIVE, 40, 0.0, slip, slip, 0.01, "", lower=bound, upper=bound)


def test_what_is_not_known_is_not_noted() -> None:
    history = History()
    history.take([judged(None), judged(0.1, "json.invalid")], 0.0)

    assert history.of("served") == []
    assert history.of("json.invalid") == [(0.0, Slip(0.1, 0.1, 0.1))]


def test_it_holds_all_the_time_in_bounded_memory() -> None:
    history, seconds = History(), 20 * MOST
    for second in range(seconds):
        history.take([judged(second / seconds)], float(second))

    times = [at for at, _ in history.of("served")]
    assert len(times) <= MOST
    assert times[0] == 0.0
    assert times[-1] >= seconds - 2 * history.period
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert 0.9 * history.period <= min(gaps) <= max(gaps) <= history.period
    assert history.period > PERIOD


def test_new_evidence_begins_anew() -> None:
    history = History()
    history.take([judged(0.1)], 0.0, evidence=1)
    history.take([judged(0.2)], 0.1, evidence=2)

    assert history.of("served") == [(0.1, Slip(0.2, 0.2, 0.2))]
