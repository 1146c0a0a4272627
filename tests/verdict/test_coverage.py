from __future__ import annotations

from verdict.coverage import Coverage


def counted(*counts: tuple[str, int, int]) -> Coverage:
    """Segment, sampled, measured."""
    made = Coverage()
    for segment, sampled, measured in counts:
        for number in range(sampled):
            made.count((segment,), measured=number < measured)
    return made


def test_traffic_that_is_measured_alike_is_covered() -> None:
    assert Coverage().gaps() == ()
    assert counted(("p=1", 500, 400), ("p=2", 500, 300)).gaps() == ()
    assert counted(("p=1", 500, 50), ("p=2", 500, 50)).gaps() == (), "little of everything is measured"


def test_a_segment_that_is_lost_on_the_way_is_named_with_its_shares() -> None:
    (gap,) = counted(("p=1", 800, 800), ("p=2", 200, 40)).gaps()

    assert gap == "p=2, 20.0% of the traffic: 20.0% is measured, of all 84.0%"


def test_little_is_no_reason() -> None:
    assert counted(("p=1", 800, 800), ("p=2", 99, 0)).gaps() == ()
    assert counted(("p=1", 20_000, 20_000), ("p=2", 150, 0)).gaps() == ()


def test_it_goes_on_after_a_restart() -> None:
    made, again = counted(("p=1", 800, 800), ("p=2", 200, 40)), Coverage()
    again.restore(made.dump())
    for each in (made, again):
        each.count(("p=2",), measured=True)

    assert (again.gaps(), again.rate) == (made.gaps(), made.rate)
