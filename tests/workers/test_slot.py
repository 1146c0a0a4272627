from __future__ import annotations

import os

from proxy.workers import cell
from proxy.workers.slot import MAX_PAUSE, pause


def test_pauses_grow_to_a_limit() -> None:
    assert [pause(losses) for losses in (0, 1, 2, 3, 4)] == [0.0, 0.0, 0.1, 0.2, 0.4]
    assert pause(10_000) == MAX_PAUSE


def test_a_cell_gives_known_stages_and_times_within_the_job_only() -> None:
    descriptor = cell.make()
    shared = cell.Cell(descriptor)
    try:
        shared.write(1)
        stage, began = shared.read(since=0.0, stages=2)
        assert stage == 1
        assert began > 0
        assert shared.read(since=began + 1_000, stages=2) == (1, began + 1_000)
        shared.write(7)
        assert shared.read(since=5.0, stages=2) == (cell.IDLE, 5.0)
        shared._memory[:16] = b"\xff" * 16
        assert shared.read(since=5.0, stages=2) == (cell.READING, 5.0)
    finally:
        shared.close()
        os.close(descriptor)
