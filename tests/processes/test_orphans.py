from __future__ import annotations

import os
import subprocess
import sys

from tests.processes.stand import alive

PARENT = """
import os, subprocess, sys
line = [sys.executable, "-m", "proxy.processes.orphans", str(os.getpid()), "sleep", "600"]
print(subprocess.Popen(line).pid, flush=True)
sys.stdin.read()
"""


def test_a_command_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        # It becomes the command before its parent is gone, or after; either way it ends.
        parent.kill()
    while alive(child):
        pass


def test_a_command_whose_parent_has_gone_does_not_start() -> None:
    line = [sys.executable, "-m", "proxy.processes.orphans", str(os.getppid()), "echo", "started"]
    ended = subprocess.run(line, capture_output=True, check=False)

    assert (ended.returncode, ended.stdout) == (-9, b"")
