"""Analyzer processes stand back from whoever passes clients' bytes on, also where sessions share the processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GROUP = Path("/proc/self/autogroup")
NICER = str(min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19))
"""As nice as such a process is, by what this one is; 19 is the most."""
SHOW = """
import math, time
from pathlib import Path
end = time.monotonic() + 20
while standing._again != math.inf and time.monotonic() < end:
    standing.give_way()
group = Path("/proc/self/autogroup")
print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0) == os.SCHED_BATCH)
print(*group.read_text().split()[-1:] if group.exists() else ())
"""
UNPRIVILEGED = """
import ctypes
os.setgid(65534), os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE: its own files in /proc are its own again
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="what is asked for is Linux's")
grouped = pytest.mark.skipif(not GROUP.exists(), reason="this kernel has no groups by session")


def standing_back(before: str = "", *, session: bool = True) -> subprocess.Popen[str]:
    """A process that stands back and says what became of it."""
    program = f"import os\nfrom proxy.workers.niceness import Standing\n{before}\nstanding = Standing()\n{SHOW}"
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=session)


def said(process: subprocess.Popen[str]) -> list[str]:
    """What it said, once it has ended well."""
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out.split()


@linux
def test_it_is_nicer_and_of_the_batch_policy() -> None:
    assert said(standing_back())[:2] == [NICER, "True"]


@linux
@grouped
def test_its_session_is_as_nice() -> None:
    assert said(standing_back())[2] == NICER


@linux
@grouped
def test_a_session_that_others_share_is_left_alone() -> None:
    before = GROUP.read_text()  # empty in a session as old as the machine, as a container's first can be
    niceness, _, *group = said(standing_back(session=False))
    assert niceness == NICER
    assert group == before.split()[-1:]
    assert GROUP.read_text() == before


@linux
@grouped
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_several_without_privilege_that_begin_together_are_all_heard() -> None:
    """Linux hears one of them in a tenth of a second, and refuses the others."""
    processes = [standing_back(UNPRIVILEGED) for _ in range(5)]
    assert [said(process)[2] for process in processes] == [NICER] * 5


@linux
@grouped
def test_where_the_session_cannot_be_made_nice_it_begins_all_the_same() -> None:
    refuse = "from proxy.workers import niceness\nniceness._GROUP = '/proc/self/none'"
    assert said(standing_back(refuse))[:2] == [NICER, "True"]
