from __future__ import annotations

import pytest

from proxy.config import Extra
from proxy.gateway.arms.exposition import Load
from proxy.gateway.arms.pressure import STALE, Pressure

IDLE, BUSY, FULL = Load(4.0, 0.9), Load(5.0, 0.0), Load(0.0, 0.91)
EXTRA = Extra(waiting=4, kv_usage=0.9, every=1.0)


@pytest.mark.parametrize(("load", "pressed"), [(IDLE, False), (BUSY, True), (FULL, True)])
def test_an_arm_is_pressed_above_a_limit_and_not_at_it(load: Load, *, pressed: bool) -> None:
    pressure = Pressure(EXTRA)
    pressure.said("a", load, 0.0)

    assert pressure.pressed(("a",), 0.0) is pressed
    assert pressure.known(("a",), 0.0)


def test_one_busy_server_presses_the_arm() -> None:
    pressure = Pressure(EXTRA)
    pressure.said("a", IDLE, 0.0)
    pressure.said("b", BUSY, 0.0)

    assert pressure.pressed(("a", "b"), 0.0)


def test_a_server_that_says_nothing_makes_no_statement_and_the_arm_is_not_known() -> None:
    pressure = Pressure(EXTRA)
    assert (pressure.known(("a", "b"), 0.0), pressure.pressed(("a", "b"), 0.0)) == (False, False)
    pressure.said("a", BUSY, 0.0)
    assert (pressure.known(("a", "b"), 0.0), pressure.pressed(("a", "b"), 0.0)) == (False, True)
    pressure.said("b", Load(None, None), 0.0)
    assert (pressure.known(("a", "b"), 0.0), pressure.pressed(("a", "b"), 0.0)) == (False, True)


def test_a_server_that_says_half_is_unknown_unless_that_half_is_over_its_limit() -> None:
    pressure = Pressure(EXTRA)
    pressure.said("a", Load(0.0, None), 0.0)
    assert (pressure.known(("a",), 0.0), pressure.pressed(("a",), 0.0)) == (False, False)
    pressure.said("a", Load(9.0, None), 0.0)
    assert (pressure.known(("a",), 0.0), pressure.pressed(("a",), 0.0)) == (True, True)


def test_what_was_said_too_long_ago_counts_no_more() -> None:
    pressure = Pressure(EXTRA)
    pressure.said("a", BUSY, 10.0)
    assert pressure.pressed(("a",), 10.0 + STALE)
    assert (pressure.known(("a",), 10.1 + STALE), pressure.pressed(("a",), 10.1 + STALE)) == (False, False)


def test_a_limit_that_is_null_needs_no_statement() -> None:
    pressure = Pressure(Extra(waiting=4, kv_usage=None))
    pressure.said("a", Load(0.0, None), 0.0)
    assert (pressure.known(("a",), 0.0), pressure.pressed(("a",), 0.0)) == (True, False)
    pressure.said("a", Load(5.0, 1.0), 0.0)
    assert pressure.pressed(("a",), 0.0)
