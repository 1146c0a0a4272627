from __future__ import annotations

from tests.verdict.turns import SECOND
from verdict.watermark import ENDED, Watermark


def test_it_is_the_lowest_of_all_processes_and_no_later_than_what_one_waits_for() -> None:
    mark = Watermark(patience=10)
    now = 100 * SECOND
    assert mark.low(now) == 90 * SECOND, "nobody has been heard of"
    mark.hear("a", 95 * SECOND, now)
    mark.hear("b", 99 * SECOND, now)
    assert mark.low(now) == 95 * SECOND
    assert mark.low(now + 6 * SECOND) == 96 * SECOND, "a request of a's has taken too long"


def test_who_has_ended_or_is_silent_is_waited_for_no_longer() -> None:
    mark = Watermark(patience=10)
    mark.hear("a", 1 * SECOND, 1 * SECOND)
    mark.hear("b", 2 * SECOND, 1 * SECOND)
    mark.hear("a", ENDED, 2 * SECOND)
    assert mark.low(3 * SECOND) == 2 * SECOND
    mark.hear("c", 13 * SECOND, 13 * SECOND)
    assert mark.low(14 * SECOND) == 13 * SECOND, "b has not been heard of for 13 seconds"


def test_where_every_process_has_ended_nothing_is_waited_for() -> None:
    mark = Watermark(patience=10)
    mark.hear("a", 1, 1)
    mark.hear("a", ENDED, 2)
    assert mark.low(3) == ENDED
