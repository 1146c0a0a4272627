from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.workers.penalties import FIRST, MOST, SESSIONS, Penalties


def test_a_session_is_passed_over_for_a_while_and_no_other_is() -> None:
    penalties = Penalties()
    penalties.punish("bad", 100.0)

    assert penalties.holds("bad", 100.0)
    assert penalties.holds("bad", 99.9 + FIRST)
    assert not penalties.holds("bad", 100.0 + FIRST)
    assert not penalties.holds("good", 100.0)


def test_each_further_penalty_is_twice_as_long_up_to_the_longest() -> None:
    penalties, now = Penalties(), 100.0
    for length in (FIRST, 2 * FIRST, 4 * FIRST):
        penalties.punish("bad", now)
        now += length
        assert penalties.holds("bad", now - 0.1)
        assert not penalties.holds("bad", now)
    for _ in range(20):
        penalties.punish("bad", now)
    assert not penalties.holds("bad", now + MOST)


def test_a_session_that_kept_quiet_begins_anew() -> None:
    penalties = Penalties()
    penalties.punish("bad", 100.0)
    penalties.punish("bad", 100.0 + 2 * FIRST)

    assert not penalties.holds("bad", 100.0 + 3 * FIRST)


@given(st.lists(st.integers(0, 3 * SESSIONS), max_size=50))
def test_remembered_sessions_are_bounded_and_the_last_is_among_them(sessions: list[int]) -> None:
    penalties = Penalties()
    for session in (*range(SESSIONS), *sessions):
        penalties.punish(str(session), 1.0)
        assert penalties.holds(str(session), 1.0)

    assert len(penalties._held) <= SESSIONS
