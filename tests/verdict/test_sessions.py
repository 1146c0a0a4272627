"""Which turns count, in which order, and that neither delivery nor a restart changes any of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verdict.turns import SECOND, known, turn
from verdict import sessions
from verdict.sessions import Measured, Observation, Sessions, Turn

GUARDRAILS = ("g", "h")
GOOD, BAD = known(0, 0), known(0, 1)
EVER = (1 << 63) - 1


def told(folded: Sessions, low: int = EVER) -> list[tuple[str, int, str | None]]:
    """Guardrail, arrival and history of what is released."""
    return [(each.guardrail, each.turn.arrival, each.history) for each in folded.advance(low)]


def received(turns: Iterable[Turn], ttl: float = 1e6) -> Sessions:
    made = Sessions(GUARDRAILS, ttl)
    for each in turns:
        made.receive(each)
    return made


def test_a_session_counts_once_for_each_guardrail_by_its_first_applicable_turn() -> None:
    made = received([turn("a", 1, g=GOOD), turn("a", 2, g=BAD, h=BAD), turn("a", 3, h=GOOD), turn("b", 4, g=BAD)])

    assert told(made) == [
        ("g", 1, None),
        ("g", 2, "baseline"),
        ("h", 2, None),
        ("h", 3, "baseline"),
        ("g", 4, None),
    ]


def test_later_turns_are_told_apart_by_whose_answers_they_carry() -> None:
    made = received(
        turn("a", n, arm, g=GOOD) for n, arm in enumerate(["candidate", "candidate", "baseline", "baseline"])
    )

    assert [history for _, _, history in told(made)] == [None, "candidate", "candidate", "mixed"]


def test_nothing_is_told_before_all_that_arrived_earlier() -> None:
    made = received([turn("a", 7, g=BAD)])
    assert told(made, 7) == []
    assert made.receive(turn("a", 5, g=GOOD))
    assert told(made, 8) == [("g", 5, None), ("g", 7, "baseline")]


def test_what_comes_after_its_place_has_passed_is_told_at_once() -> None:
    made = received([turn("a", 7, g=BAD)])
    assert told(made, 10) == [("g", 7, None)]
    made.receive(turn("b", 5, g=BAD))
    assert told(made, 10) == [("g", 5, None)]


def test_a_turn_told_of_again_changes_nothing_before_and_after_it_counted() -> None:
    made = received([turn("a", 1, g=GOOD)])
    assert not made.receive(turn("a", 1, g=BAD))
    assert told(made) == [("g", 1, None)]
    assert not made.receive(turn("a", 1, g=BAD))
    assert (told(made), made.turns) == ([], 1)


def test_of_very_many_turns_the_early_ones_are_known_again() -> None:
    made = received(turn("a", n, g=GOOD) for n in range(100))
    assert len(told(made)) == 100
    assert not any(made.receive(turn("a", n, g=GOOD)) for n in range(100))
    assert made.receive(turn("a", 100, g=GOOD))


def test_a_session_counts_once_more_after_its_time() -> None:
    made = received((turn("a", seconds * SECOND, g=GOOD) for seconds in (0, 9, 10, 19, 20)), ttl=10)

    assert [history for _, _, history in told(made)] == [None, "baseline", None, "baseline", None]


def test_a_turn_dropped_on_our_side_was_the_first_all_the_same() -> None:
    made = received([turn("a", 1)._replace(spoilt=("g",)), turn("a", 2, g=BAD, h=BAD)])

    assert told(made) == [("g", 2, "baseline"), ("h", 2, None)]


def test_the_largest_session_is_known() -> None:
    made = received([*(turn("a", n, g=GOOD) for n in range(6)), turn("b", 6), turn("c", 7)])
    told(made)

    assert (made.largest, made.turns) == (6, 8)


def test_sessions_and_what_waits_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "KEYS", 3)
    monkeypatch.setattr(sessions, "WAITING", 5)
    made = received(turn(str(n), n, g=GOOD) for n in range(10))

    assert [arrival for _, arrival, _ in told(made, 0)] == [0, 1, 2, 3, 4]
    assert made.waiting == 5
    told(made)
    assert list(made._records) == ["7", "8", "9"]
    assert [session for session, kept in made.take().items() if not kept] == [str(n) for n in range(7)]
    made.receive(turn("0", 20, g=GOOD))
    assert told(made) == [("g", 20, None)]


measured = st.sampled_from([GOOD, BAD, known(1, 0, 1), Measured(-1.0, 1.0)])
turns = st.builds(
    Turn,
    session=st.sampled_from("abcd"),
    arrival=st.integers(0, 30),
    primary=st.sampled_from(["baseline", "candidate"]),
    measured=st.dictionaries(st.sampled_from(GUARDRAILS), measured),
    spoilt=st.sampled_from([(), (), ("g",), GUARDRAILS]),
    inclusion=st.just(0.05),
    segments=st.sampled_from([(), ("model=m",)]),
)
scripts = st.lists(turns, unique_by=lambda each: each.arrival, max_size=15)


def replayed(delivered: Iterable[Turn | int], ttl: float = 12 / SECOND) -> list[Observation]:
    """What comes of turns and low watermarks, in this order."""
    made = Sessions(GUARDRAILS, ttl)
    seen: list[Observation] = []
    for each in delivered:
        if isinstance(each, Turn):
            made.receive(each)
        else:
            seen += made.advance(each)
    return [*seen, *made.advance(EVER)]


@given(scripts, st.randoms(use_true_random=False), st.lists(st.integers(0, 31), max_size=5))
def test_any_order_of_delivery_within_the_watermark_and_any_redelivery_gives_the_same(
    script: list[Turn], random: st.DataObject, lows: list[int]
) -> None:
    script.sort(key=lambda each: each.arrival)
    shuffled = list(script)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    delivered: list[Turn | int] = []
    for low in sorted(lows):
        now = [each for each in shuffled if each.arrival < low]
        delivered += [*now, *now[:2], low]
    delivered += [*shuffled, *shuffled[:3]]

    assert replayed(delivered) == replayed(script)


@given(scripts, st.data())
def test_a_restart_anywhere_is_as_if_it_had_never_stopped(script: list[Turn], data: st.DataObject) -> None:
    steps: list[Turn | int] = [*script]
    for low in data.draw(st.lists(st.integers(0, 31), max_size=4)):
        steps.insert(data.draw(st.integers(0, len(steps))), low)
    stops = data.draw(st.sets(st.integers(0, len(steps))))
    made, kept, seen = Sessions(GUARDRAILS, 12 / SECOND), dict[str, bytes](), list[Observation]()
    for place, step in enumerate(steps):
        if place in stops:
            kept |= made.take()
            dumped, made = made.dump(), Sessions(GUARDRAILS, 12 / SECOND)
            made.restore(dumped, kept)
        if isinstance(step, Turn):
            made.receive(step)
        else:
            seen += made.advance(step)
    seen += made.advance(EVER)

    assert seen == replayed(steps)
