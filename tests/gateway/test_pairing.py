from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.pair import End
from proxy.gateway.ledger import Ledger, State
from proxy.gateway.pairing import Do, Pairing
from proxy.telemetry import Telemetry

OUTCOMES = [
    (End.COMPLETE, 200, True),
    (End.COMPLETE, 404, True),
    (End.COMPLETE, 429, False),
    (End.COMPLETE, 500, False),
    (End.COMPLETE, 503, False),
    (End.RESET, None, False),
    (End.RESET, 200, False),
    (End.REFUSED, None, False),
    (End.DEADLINE, 200, False),
]


@pytest.mark.parametrize("primary", ["baseline", "candidate"])
@pytest.mark.parametrize(("one", "other"), [*itertools.product([o for o in OUTCOMES if o[1] != 404], OUTCOMES)])
def test_a_pair_ends_in_the_state_of_its_two_answers(
    primary: str, one: tuple[End, int | None, bool], other: tuple[End, int | None, bool]
) -> None:
    pairing = Pairing(primary, repeat=False)
    if one[1] is not None:
        assert pairing.primary_status(one[1]) is Do.START_MIRROR
        assert pairing.primary_ended(one[0], one[1]) is Do.NOTHING
    else:
        assert pairing.primary_ended(one[0], one[1]) is Do.START_MIRROR
    pairing.repeat_ended()
    assert pairing.mirror_ended(other[0], other[1]) is Do.FINISH
    mirror = "candidate" if primary == "baseline" else "baseline"
    expected = {
        (True, True): "paired",
        (False, False): "unserved_both",
        (True, False): f"unserved_{mirror}",
        (False, True): f"unserved_{primary}",
    }[one[2], other[2]]
    rejected = (primary, other[1]) == ("candidate", 404)
    assert pairing.state == ("dropped_rejected" if rejected else expected)


def test_only_a_4xx_other_than_429_of_the_baseline_drops_the_pair_whichever_leg_it_was() -> None:
    for status in range(200, 600):
        rejected = 400 <= status < 500 and status != 429
        pairing = Pairing("baseline", repeat=False)
        assert pairing.primary_status(status) is (Do.FINISH if rejected else Do.START_MIRROR)
        assert pairing.state == (State.DROPPED_REJECTED if rejected else None)
        pairing = Pairing("candidate", repeat=False)
        assert pairing.primary_status(status) is Do.START_MIRROR
        pairing.primary_ended(End.COMPLETE, 200)
        assert pairing.mirror_ended(End.COMPLETE, status) is Do.FINISH
        assert (pairing.state == State.DROPPED_REJECTED) is rejected


@pytest.mark.parametrize("mirroring", [True, False])
@pytest.mark.parametrize(("end", "status", "served"), OUTCOMES)
@pytest.mark.parametrize(("fallback", "fallback_status", "baseline"), OUTCOMES)
def test_a_pair_that_fell_back_ends_in_the_state_of_what_each_arm_gave(
    end: End,
    status: int | None,
    fallback: End,
    fallback_status: int | None,
    *,
    mirroring: bool,
    served: bool,
    baseline: bool,
) -> None:
    pairing = Pairing("candidate", repeat=False)
    if mirroring:
        assert pairing.start_due() is Do.START_MIRROR
    pairing.fell_back()
    assert pairing.mirror_ended(end, status) is Do.NOTHING
    assert pairing.start_due() is Do.NOTHING
    if fallback_status is not None:
        pairing.primary_status(fallback_status)
    pairing.primary_ended(fallback, fallback_status)
    expected = {
        (True, True): "paired",
        (False, False): "unserved_both",
        (True, False): "unserved_candidate",
        (False, True): "unserved_baseline",
    }[baseline, served]
    assert pairing.state == ("dropped_rejected" if fallback_status == 404 else expected)


def test_silence_starts_the_mirror_once_and_a_late_4xx_still_drops_the_pair() -> None:
    pairing = Pairing("baseline", repeat=False)
    assert pairing.start_due() is Do.START_MIRROR
    assert pairing.start_due() is Do.NOTHING
    assert pairing.primary_status(404) is Do.FINISH
    assert pairing.state == State.DROPPED_REJECTED


def test_an_answer_unfinished_at_its_deadline_stays_unserved_when_it_arrives_later() -> None:
    pairing = Pairing("baseline", repeat=False)
    pairing.primary_status(200)
    assert pairing.primary_ended(End.DEADLINE, 200) is Do.NOTHING
    assert pairing.primary_ended(End.COMPLETE, 200) is Do.NOTHING
    pairing.mirror_ended(End.COMPLETE, 200)
    assert pairing.state == State.UNSERVED_BASELINE


def test_a_pair_waits_for_its_repeat() -> None:
    pairing = Pairing("baseline", repeat=True)
    pairing.primary_status(200)
    pairing.primary_ended(End.COMPLETE, 200)
    assert pairing.mirror_ended(End.COMPLETE, 200) is Do.NOTHING
    assert pairing.repeat_ended() is Do.FINISH
    assert pairing.state == State.PAIRED


def _primary_status(status: int, pairing: Pairing) -> Do:
    return pairing.primary_status(status)


def _leg_ended(leg: str, end: End, status: int | None, pairing: Pairing) -> Do:
    return pairing.primary_ended(end, status) if leg == "primary" else pairing.mirror_ended(end, status)


def _fell_back(pairing: Pairing) -> Do:
    pairing.fell_back()
    return Do.NOTHING


EVENTS: dict[str, Callable[[Pairing], Do]] = {
    **{f"primary {status}": partial(_primary_status, status) for status in (200, 404, 429, 500)},
    **{
        f"{leg} ended {end} {status}": partial(_leg_ended, leg, end, status)
        for leg in ("primary", "mirror")
        for end, status in [*((e, s) for e, s, _ in OUTCOMES), (End.TOO_LARGE, 200)]
    },
    "silence": Pairing.start_due,
    "fell back": _fell_back,
    "repeat ended": Pairing.repeat_ended,
    "client left": lambda p: p.drop(State.CLIENT_ABORT),
    "no room": lambda p: p.drop(State.DROPPED_MIRROR_BUSY),
}


@settings(max_examples=150, deadline=None)
@given(script=st.lists(st.sampled_from(sorted(EVENTS)), max_size=12), repeat=st.booleans())
def test_whatever_happens_a_pair_starts_once_and_finishes_once(script: list[str], *, repeat: bool) -> None:
    ledger = Ledger(Telemetry())
    ledger.open("baseline")
    pairing = Pairing("baseline", repeat=repeat)
    done: list[Do] = []
    for event in script:
        do = EVENTS[event](pairing)
        done.append(do)
        if do is Do.FINISH:
            assert pairing.state is not None
            ledger.close("baseline", pairing.state)
        assert sum(ledger.states().values()) == ledger.total == 1
    assert done.count(Do.START_MIRROR) <= 1
    assert done.count(Do.FINISH) == (pairing.state is not None)
    if Do.FINISH in done:
        assert set(done[done.index(Do.FINISH) + 1 :]) <= {Do.NOTHING}


def test_the_ledger_refuses_to_count_a_request_twice() -> None:
    telemetry = Telemetry()
    ledger = Ledger(telemetry)
    ledger.open("baseline")
    ledger.close("baseline", State.PAIRED)
    with pytest.raises(RuntimeError, match="no request of baseline is open"):
        ledger.close("baseline", State.PAIRED)
    assert ledger.states()["paired"] == ledger.total == 1
    value = telemetry.registry.get_sample_value(
        "slipgauge_ledger_total", {"state": "paired", "primary": "baseline"}
    )
    assert value == 1
