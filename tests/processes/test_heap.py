from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from proxy.processes import heap

PROGRAM = """
import gc
from proxy.processes import heap
made = [[] for _ in range(1000)]
heap.settle()
before = len(gc.get_objects())
made.append([])
assert len(gc.get_objects()) - before < 10, "what is made afterwards is looked at"
assert before < 100, f"{before} objects made before are still looked at"
"""

LARGE = """
import re
from pathlib import Path
from proxy.processes import heap

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

heap.settle()
before = resident()
freed = bytearray(b"x" * 30_000_000)
del freed
large = [bytearray(b"x" * 2_000_000) for _ in range(20)]
small = [bytes(2_000) for _ in range(100)]
assert resident() - before > 30
del large
assert resident() - before < 5, f"{resident() - before} MB stayed"
"""

AMID = """
import random
import re
from pathlib import Path
from proxy.processes import heap

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

def piece():
    return bytearray(b"x" * random.randrange(70_000, 250_000))

heap.settle()
least = heap.give_back(float("inf"))
before = resident()
kept, burst = [], []
for _ in range(600):
    burst.append(piece())
    kept.append(bytes(2_000))
assert resident() - before > 60
del burst
assert resident() - before > 60, "it lies amid what is kept, or this shows nothing"
after = heap.give_back(least)
assert resident() - before < 10, f"{resident() - before} MB stayed"
assert least < after < least + 10 * 2**20
"""


def test_what_start_up_has_made_is_spared_from_collections() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such thresholds")
def test_room_for_large_answers_is_given_back() -> None:
    subprocess.run([sys.executable, "-c", LARGE], check=True)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are not asked")
def test_a_process_that_has_hardly_grown_is_left_alone_and_its_least_size_remembered() -> None:
    least = heap.give_back(float("inf"))
    assert least > 0
    assert heap.give_back(least - heap.GROWN // 2) == least - heap.GROWN // 2
    assert heap.give_back(2 * least) < 2 * least


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are not asked")
def test_what_a_burst_of_pieces_leaves_free_is_given_back_where_it_is_much() -> None:
    subprocess.run([sys.executable, "-c", AMID], check=True)
