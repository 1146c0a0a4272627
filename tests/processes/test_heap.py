from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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
import random
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
pieces, small = [], []
for _ in range(600):
    pieces.append(bytearray(b"x" * random.randrange(70_000, 250_000)))
    small.append(bytes(2_000))
assert resident() - before > 60
del pieces
assert resident() - before < 10, f"{resident() - before} MB stayed of pieces"
"""


def test_what_start_up_has_made_is_spared_from_collections() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such thresholds")
def test_room_for_large_answers_is_given_back() -> None:
    subprocess.run([sys.executable, "-c", LARGE], check=True)
