"""From turns to judgements, and over a restart."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.verdict.turns import known, turn
from verdict.dossier import Dossier, Terms
from verdict.guardrails import Guardrail
from verdict.judge import State
from verdict.sessions import Measured
from verdict.watermark import ENDED

TERMS = Terms((Guardrail("g", 0.005, 0.5, required=True), Guardrail("h", 0.01, 0.5, required=False)), patience=10)


def fold(dossier: Dossier, count: int, measured: Measured, *, first: int = 1) -> None:
    """So many sessions with this for guardrail g, all told of."""
    for number in range(first, first + count):
        dossier.receive(turn(f"s{number}", number, g=measured)._replace(segments=("model=m",)))
    dossier.hear("p", first + count, 0)
    dossier.fold(0)


def state(dossier: Dossier) -> State:
    return dossier.judgements()[0].state


def test_a_slip_fails_and_is_counted_where_it_was() -> None:
    dossier = Dossier(TERMS)
    fold(dossier, 60, known(0, 1))

    assert state(dossier) is State.FAIL
    assert dossier.failures == 1
    assert dossier.tallies["g"].candidate_rate == 1
    assert [row.segment for row in dossier.segments.rows()] == ["model=m"]


def test_few_are_judged_anew_at_a_time_and_those_first_that_are_furthest_behind() -> None:
    dossier = Dossier(TERMS)
    assert [each.name for each in dossier.judgements()] == ["g", "h"]
    for number in range(1, 101):
        alike = known(0, 0)
        measured = {"g": alike, "h": alike} if number % 2 else {"g": alike}
        dossier.receive(turn(f"s{number}", number)._replace(measured=measured))
    dossier.hear("p", 101, 0)
    dossier.fold(0)

    assert [each.sessions for each in dossier.judgements(0)] == [0, 0]
    assert [each.sessions for each in dossier.judgements(1)] == [100, 0]
    assert [each.sessions for each in dossier.judgements(1)] == [100, 50]


def test_one_that_has_failed_is_judged_anew_however_few_may_be() -> None:
    dossier = Dossier(TERMS)
    fold(dossier, 60, known(0, 1))

    assert dossier.judgements(0)[0].state is State.FAIL


def test_equal_arms_pass_in_the_end() -> None:
    dossier = Dossier(TERMS)
    fold(dossier, 900, known(0, 0))

    assert state(dossier) is State.PASS


def test_what_is_missing_counts_for_the_candidate_in_harm_and_against_it_in_safe() -> None:
    lost, known_good = Dossier(TERMS), Dossier(TERMS)
    for dossier in (lost, known_good):
        fold(dossier, 900, known(0, 0))
    fold(lost, 100, Measured(-1.0, 1.0), first=901)
    fold(known_good, 100, known(0, 0), first=901)

    assert lost.evidence["g"].harm_log_e < known_good.evidence["g"].harm_log_e
    assert lost.evidence["g"].safe_log_e < known_good.evidence["g"].safe_log_e
    assert (state(lost), state(known_good)) == (State.INCONCLUSIVE, State.PASS)
    assert (lost.tallies["g"].count, lost.tallies["g"].missing) == (900, 100)


def test_later_turns_are_in_no_evidence() -> None:
    dossier = Dossier(TERMS)
    fold(dossier, 10, known(0, 0))
    before = dossier.evidence["g"].dump()
    for number in range(1, 11):
        dossier.receive(turn(f"s{number}", 100 + number, g=known(0, 1)))
    dossier.hear("p", ENDED, 0)
    dossier.fold(0)

    assert dossier.evidence["g"].dump() == before
    assert dossier.later["g", "baseline"].slip == 1
    assert dossier.told()["later_turns"][0]["turns"] == 10


def test_nothing_is_folded_while_something_older_may_come_and_no_longer_than_is_waited_for() -> None:
    dossier = Dossier(TERMS)
    dossier.hear("p", 1, 1)
    dossier.receive(turn("a", 5, g=known(0, 0)))
    dossier.fold(2)
    assert dossier.folded == 0
    dossier.hear("p", 1, 10_000_000_000)
    dossier.fold(10_000_000_006)
    assert dossier.folded == 1


def test_an_alarm_between_two_answers_of_the_baseline_blocks_and_fails_nothing() -> None:
    dossier = Dossier(TERMS)
    fold(dossier, 60, known(0, 0, repeat=1))

    assert "A/A alarm on g" in dossier.blocks()[0]
    assert state(dossier) is not State.FAIL
    assert dossier.repeats["g"].noise == 1


def test_what_is_not_covered_blocks() -> None:
    dossier = Dossier(TERMS)
    for number in range(1_000):
        dossier.cover(("prompt_length=more" if number % 5 == 0 else "prompt_length=1kB",), measured=number % 5 > 0)

    assert dossier.blocks() == (
        "not covered: prompt_length=more, 20.0% of the traffic: 0.0% is measured, of all 80.0%",
    )


def test_a_session_more_likely_to_be_chosen_counts_less_where_that_was_declared() -> None:
    declared = Dossier(Terms(TERMS.guardrails, least_inclusion=0.05))
    fold(declared, 60, known(0, 1))
    plain = Dossier(TERMS)
    fold(plain, 60, known(0, 1))

    assert 0 < declared.evidence["g"].harm_log_e < plain.evidence["g"].harm_log_e


def test_new_evidence_begins_with_nothing_and_knows_how_far_was_told() -> None:
    dossier = Dossier(TERMS)
    fold(dossier, 60, known(0, 1))
    renewed = dossier.renewed()
    renewed.receive(turn("s1", 7, g=known(0, 0)))
    renewed.fold(0)

    assert (state(renewed), renewed.folded, renewed.failures) == (State.NO_DATA, 1, 0)


def test_what_was_kept_of_other_terms_is_left() -> None:
    dossier = Dossier(TERMS)
    fold(dossier, 60, known(0, 1))
    other = Terms((Guardrail("other", 0.01, 1.0, required=True),))
    again = Dossier.restored(other, orjson.loads(orjson.dumps(dossier.dump())), dossier.sessions.take())

    assert again.dump() == Dossier(other).dump()


script = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.integers(1, 40),
        st.sampled_from([known(0, 0), known(0, 1), known(1, 0, 1), Measured(-1.0, 0.5)]),
        st.sampled_from(["m=1", "m=2", "m=3"]),
    ),
    unique_by=lambda each: each[1],
    max_size=25,
)


@given(script, st.sets(st.integers(0, 25), max_size=4), st.lists(st.integers(0, 41), min_size=25, max_size=25))
def test_a_restart_anywhere_is_as_if_it_had_never_stopped(
    drawn: list[tuple[str, int, Measured, str]], stops: set[int], lows: list[int]
) -> None:
    terms = Terms(TERMS.guardrails, values=2)
    dossier, other, kept = Dossier(terms), Dossier(terms), dict[str, bytes]()
    for place, (session, arrival, measured, segment) in enumerate(drawn):
        if place in stops:
            kept |= dossier.sessions.take()
            dossier = Dossier.restored(terms, orjson.loads(orjson.dumps(dossier.dump())), kept)
        for each in (dossier, other):
            each.receive(turn(session, arrival, g=measured, h=measured)._replace(segments=(segment,)))
            each.cover((segment,), measured=True)
            each.hear("p", lows[place], 0)
            each.fold(0)
    for each in (dossier, other):
        each.hear("p", ENDED, 0)
        each.fold(0)

    assert orjson.dumps(dossier.dump()) == orjson.dumps(other.dump())
    assert dossier.judgements() == other.judgements()
