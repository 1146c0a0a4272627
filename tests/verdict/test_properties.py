"""What holds for evidence whatever the sessions were."""

from __future__ import annotations

import json
from math import log

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from verdict.bets import SAFE_STAKES
from verdict.counts import MOST_DISCOUNTS, Counts
from verdict.evidence import Evidence
from verdict.guardrails import Guardrail, Levels
from verdict.judge import State, judge
from verdict.repeat import Repeat

Session = tuple[float, float, float]
ALPHA = 0.05

margins = st.sampled_from([0.0, 0.005, 0.03, 0.3])
xs = st.sampled_from([-1.0, 0.0, 1.0]) | st.floats(-1, 1)
bounds = st.one_of(
    xs.map(lambda x: (x, x)), st.just((-1.0, 1.0)), st.tuples(xs, xs).map(lambda b: (min(b), max(b)))
)
discounts = st.sampled_from([1.0, 1.0, 0.5]) | st.floats(0.001, 1)
sessions = st.lists(
    st.tuples(bounds, discounts, st.sampled_from([1, 1, 5, 40])).map(lambda s: [(*s[0], s[1])] * s[2]), max_size=12
).map(lambda runs: [session for run in runs for session in run])


def after(observed: list[Session], margin: float = 0.005) -> Evidence:
    evidence = Evidence(margin, 0.01)
    for low, high, discount in observed:
        evidence.observe(low, high, discount)
    return evidence


@given(sessions, sessions, margins)
def test_stopped_anywhere_and_gone_on_is_never_stopped(
    before: list[Session], later: list[Session], margin: float
) -> None:
    resumed = Evidence.load(json.loads(json.dumps(after(before, margin).dump(), allow_nan=False)))
    for session in later:
        resumed.observe(*session)

    assert resumed.dump() == after([*before, *later], margin).dump()


@given(sessions, margins)
def test_the_interval_never_contradicts_the_verdict(observed: list[Session], margin: float) -> None:
    evidence = after(observed, margin)
    lower, upper = evidence.interval(ALPHA)

    assert lower <= upper
    assert lower <= margin or evidence.failed
    assert (upper <= margin) >= evidence.safe(ALPHA)
    assert upper >= margin or evidence.safe(ALPHA)


@given(sessions, margins)
def test_the_upper_bound_is_the_first_margin_that_the_bets_for_safe_reject(
    observed: list[Session], margin: float
) -> None:
    evidence = after(observed, margin)
    _, upper = evidence.interval(ALPHA)
    at = evidence.high.log_e(SAFE_STAKES, upper, side=-1)

    assert at == pytest.approx(log(1 / ALPHA), abs=1e-6) or (upper == 1 and at < log(1 / ALPHA))


@given(sessions)
def test_one_slip_more_never_makes_harm_less_or_safe_more(observed: list[Session]) -> None:
    less, more = after([*observed, (0, 0, 1)]), after([*observed, (1, 1, 1)])
    assume(not after(observed).failed)

    assert more.harm_log_e >= less.harm_log_e
    assert more.safe_log_e <= less.safe_log_e
    assert more.interval(ALPHA)[1] >= less.interval(ALPHA)[1]


@given(sessions)
def test_what_is_not_known_never_counts_for_either_side(observed: list[Session]) -> None:
    known = after([(high, high, discount) for _, high, discount in observed])
    unknown = after(observed)

    assert known.failed >= unknown.failed
    assert unknown.safe_log_e == known.safe_log_e


@given(sessions)
def test_swapping_the_arms_mirrors_the_counts_and_their_bounds(observed: list[Session]) -> None:
    straight, swapped = Counts(), Counts()
    for low, _, discount in observed:
        straight.add(low, discount)
        swapped.add(-low, discount)
    stakes = (0.1, 0.5, 0.9)

    mirrored = swapped.logs(stakes, -0.01, -1)
    assert straight.logs(stakes, 0.01, 1) == pytest.approx(mirrored, rel=1e-9, abs=1e-9)


@given(st.lists(xs, max_size=60))
def test_swapping_answer_and_repeat_changes_nothing(observed: list[float]) -> None:
    one, other = Repeat(0.01), Repeat(0.01)
    for x in observed:
        one.observe(x)
        other.observe(-x)

    assert one.e_value == other.e_value


@given(st.lists(st.just((-1.0, 1.0, 1.0)), max_size=400), margins)
@settings(max_examples=25)
def test_no_data_never_passes(observed: list[Session], margin: float) -> None:
    class Counted:
        count, baseline_rate, candidate_rate, slip = 0, None, None, None

    guardrail = Guardrail("served", margin, 1.0, required=True)
    judged = judge(guardrail, Counted(), after(observed, margin), Levels())

    assert judged.state is State.NO_DATA


@given(st.lists(st.tuples(xs, discounts), min_size=1, max_size=60))
def test_many_discounts_are_bounded_and_never_make_evidence_stronger(observed: list[tuple[float, float]]) -> None:
    counts, exact = Counts(), dict.fromkeys((1, -1), 0.0)
    stake, margin = 0.9, 0.01
    for x, discount in observed:
        counts.add(x, discount)
        for side in exact:
            bet = (1 + side * stake * x) / (1 + side * stake * margin)
            exact[side] += log(1 - discount + discount * bet)

    assert len(counts.dump()) <= MOST_DISCOUNTS
    for side, value in exact.items():
        assert counts.logs((stake,), margin, side)[0] <= value + 1e-9
