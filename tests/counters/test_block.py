from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from proxy.counters import block
from proxy.counters.block import Block, Run


@pytest.fixture
def descriptor() -> int:
    made = os.memfd_create("test")
    os.ftruncate(made, block.SIZE)
    return made


def test_a_series_keeps_its_slots_and_its_name() -> None:
    own = Block()
    first = own.run("requests", ("chat",), 3)
    own.slots[first + 1] += 1.0
    own.slots[first + 1] += 1.0

    assert own.run("requests", ("chat",), 3) == first
    assert own.run("requests", ("other",), 3) == first + 3
    assert {key: own.read(run) for key, run in own.series().items()} == {
        ("requests", ("chat",)): [0.0, 2.0, 0.0],
        ("requests", ("other",)): [0.0, 0.0, 0.0],
    }


def test_a_reader_sees_series_as_they_appear(descriptor: int) -> None:
    writer, reader = Block(descriptor), Block(descriptor)
    one = writer.run("a", (), 1)
    writer.slots[one] = 7.0
    before = dict(reader.series())
    writer.run("b", ('label with "quotes"\n', "é"), 2)

    assert before == {("a", ()): Run(one, 1)}
    assert reader.read(before["a", ()]) == [7.0]
    assert reader.series() == writer.series()


def test_what_a_killed_process_counted_can_still_be_read(descriptor: int) -> None:
    program = f"""
import os, signal
from proxy.counters.block import Block
block = Block({descriptor})
slot = block.run("requests", ("chat",), 1)
for _ in range(1000):
    block.slots[slot] += 1.0
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], pass_fds=(descriptor,), check=False)
    reader = Block(descriptor)

    assert ended.returncode == -signal.SIGKILL
    assert reader.read(reader.series()["requests", ("chat",)]) == [1000.0]


@pytest.mark.parametrize(("name", "length"), [("slots", block.SPARE), ("names" * 2000, 1)])
def test_a_full_block_loses_counts_and_no_request(name: str, length: int) -> None:
    own = Block()
    for number in range(200):
        first = own.run(name, (str(number),), length)
        own.slots[first + length - 1] += 1.0
    runs = own.series()

    assert 0 < sum(run.length > 0 for run in runs.values()) < 200
    assert {own.read(run)[-1] for run in runs.values() if run.length} == {1.0}
    assert own.run(name, ("0",), length) == block.SPARE
