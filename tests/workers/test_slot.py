from __future__ import annotations

import math
import os

import pytest

from proxy.workers import cell
from proxy.workers.cell import IDLE, NOTHING, READING, Doing
from proxy.workers.slot import MAX_PAUSE, left, pause


def test_pauses_grow_to_a_limit() -> None:
    assert [pause(losses) for losses in (0, 1, 2, 3, 4)] == [0.0, 0.0, 0.1, 0.2, 0.4]
    assert pause(10_000) == MAX_PAUSE


def test_a_stage_has_its_budget_and_a_silent_child_that_of_all_stages() -> None:
    assert left(Doing(1, 0, 9.0), heard=8.0, now=10.0, budget=2.0, stages=3) == 1.0
    assert left(Doing(1, 0, 7.0), heard=8.0, now=10.0, budget=2.0, stages=3) == -1.0
    assert left(NOTHING, heard=8.0, now=10.0, budget=2.0, stages=3) == 6.0
    assert (
        left(Doing(1, 0, 10.0), heard=1.0, now=10.0, budget=2.0, stages=3) == -1.0
    )  # it claims a new stage for ever


def test_a_cell_gives_known_stages_of_sent_tasks_and_times_that_have_been() -> None:
    descriptor = cell.make()
    shared = cell.Cell(descriptor)
    try:
        assert shared.read(range(1, 3), stages=2) == NOTHING
        shared.write(2, 1)
        doing = shared.read(range(1, 3), stages=2)
        assert (doing.number, doing.stage) == (2, 1)
        assert doing.began > 0
        assert shared.read(range(1, 2), stages=2) == NOTHING
        assert shared.read(range(1, 3), stages=1) == NOTHING
        shared.write(1, READING)
        assert shared.read(range(1, 3), stages=2).stage == READING
        shared.write(0, IDLE)
        assert shared.read(range(1, 3), stages=2) == NOTHING
    finally:
        shared.close()
        os.close(descriptor)


@pytest.mark.parametrize("began", [math.nan, math.inf, 1e300])
def test_a_cell_that_claims_a_time_to_come_is_not_believed(began: float) -> None:
    descriptor = cell.make()
    shared = cell.Cell(descriptor)
    try:
        cell._FORMAT.pack_into(shared._memory, 0, began, 1, 0)
        assert shared.read(range(1, 2), stages=1) == NOTHING
    finally:
        shared.close()
        os.close(descriptor)
