from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from proxy.processes import heap
made = [[] for _ in range(1000)]
heap.keep()
before = len(gc.get_objects())
made.append([])
assert len(gc.get_objects()) - before < 10, "what is made afterwards is looked at"
assert before < 100, f"{before} objects made before are still looked at"
"""


def test_what_start_up_has_made_is_spared_from_collections() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
