"""What a gateway holds until it is stored, as a script of events."""

from __future__ import annotations

import pytest

from proxy.channel.window import BATCH_REPORTS, UNDER_WAY, Parcel, Window, read
from proxy.report import ENDED, Mark, ReportError
from proxy.telemetry import Telemetry
from tests.channel.stand import dropped, report


def window(size: int = 10_000) -> tuple[Window, Telemetry]:
    telemetry = Telemetry()
    return Window(telemetry, size), telemetry


def taken(held: Window) -> Parcel:
    parcel = held.take()
    assert parcel is not None
    return parcel


def test_nothing_is_sent_twice_and_nothing_where_there_is_no_news() -> None:
    held, _ = window()
    held.offer(report("a"))
    assert [each.pair_id for each in taken(held).reports] == ["a"]
    assert held.take() is None
    held.offer(Mark("p", 5))
    assert taken(held).marks == (Mark("p", 5),)
    held.offer(Mark("p", 5))
    assert held.take() is None


def test_what_is_under_way_counts_as_held_until_it_is_stored() -> None:
    held, telemetry = window(size=2)
    assert held.offer(report("a"))
    assert held.offer(report("b"))
    parcel = taken(held)
    assert not held.offer(report("c"))
    assert dropped(telemetry) == 1
    held.stored(parcel)
    assert held.empty
    assert held.offer(report("d"))


def test_a_message_is_bounded_and_so_is_how_many_are_under_way() -> None:
    held, _ = window()
    for number in range(BATCH_REPORTS * (UNDER_WAY + 1)):
        held.offer(report(str(number)))
    parcels = [taken(held) for _ in range(UNDER_WAY)]
    assert {len(each.reports) for each in parcels} == {BATCH_REPORTS}
    assert held.take() is None
    held.stored(parcels[3])
    assert taken(held).reports[0].pair_id == str(BATCH_REPORTS * UNDER_WAY)


def test_a_mark_does_not_pass_what_is_not_known_to_be_stored() -> None:
    held, _ = window()
    held.offer(report("a", arrival=10, mark=Mark("p", 20)))
    first = taken(held)
    assert first.marks == (Mark("p", 20),)  # the report is in the same message
    held.offer(report("b", arrival=30, mark=Mark("p", 40)))
    held.offer(Mark("q", 50))
    assert set(taken(held).marks) == {Mark("p", 10), Mark("q", 50)}
    held.stored(first)
    assert taken(held).marks == (Mark("p", 30),)


def test_the_end_of_a_process_is_told_behind_its_last_report() -> None:
    held, _ = window()
    held.offer(report("a", arrival=10, mark=Mark("p", 10)))
    first = taken(held)
    held.offer(Mark("p", ENDED))
    assert held.take() is None  # 10 has been said
    held.stored(first)
    last = taken(held)
    assert last.marks == (Mark("p", ENDED),)
    held.stored(last)
    assert held.take() is None


def test_what_is_given_up_is_counted_and_holds_no_mark_back() -> None:
    held, telemetry = window()
    waiting = report("a", arrival=10, mark=Mark("p", 20), waiting=("needy",))
    held.offer(waiting)
    held.offer(report("other", further=True, analyses={"needy": "dropped"}))
    parcel = taken(held)
    held.lost(parcel)
    assert dropped(telemetry) == 1
    assert not held.offer(report("a", further=True, analyses={"needy": "dropped"}))
    again = taken(held)
    assert [each.pair_id for each in again.reports] == ["other"]
    assert again.marks == (Mark("p", 20),)


def test_a_report_that_no_reader_would_take_is_dropped_here() -> None:
    held, telemetry = window()
    assert not held.offer(report("a", segments=("x=" + "y" * 100_000,)))
    assert dropped(telemetry) == 1


def test_a_message_says_what_was_put_in_it() -> None:
    held, _ = window()
    first, second = report("a", arrival=1), report("b", arrival=2)
    for each in (first, second, Mark("p", 3)):
        held.offer(each)
    assert read(taken(held).body) == [first, second, Mark("p", 3)]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]\n{}", b'[["p"]]', b"[" * 100_000, b"[]" + b"\n[]" * 100, b"x" * (1 << 20)]
)
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(ReportError):
        read(body)
