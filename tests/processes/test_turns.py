from __future__ import annotations

import ctypes
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.processes.turns import SLICE
from proxy.tasks import spawn
from tests.cli.upstream import Upstream
from tests.processes.load import Load
from tests.processes.stand import running
from tests.processes.test_fleet import children, two

GETATTR = {"x86_64": 315, "aarch64": 275, "riscv64": 275}.get(platform.machine())
RELEASE = tuple(map(int, platform.release().split("-")[0].split(".")[:2])) if sys.platform == "linux" else (0, 0)
NICE = os.getpriority(os.PRIO_PROCESS, 0)
PROGRAM = """
import os
from proxy.processes import turns
{before}
asked = [turns.ask_for_short(), turns.ask_for_short()]
print(*asked, os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.getpriority(os.PRIO_PROCESS, 0))
"""

pytestmark = pytest.mark.skipif(GETATTR is None or RELEASE < (6, 12), reason="the kernel knows no shorter turns")


def slice_of(pid: int) -> int:
    """Nanoseconds of the processor that a process gets at a time."""
    told = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(GETATTR, pid, told, len(told), 0) == 0
    runtime: int = struct.unpack("=IIQiIQQQ", told.raw)[5]
    return runtime


def asked(before: str = "") -> list[str]:
    program = [sys.executable, "-c", PROGRAM.format(before=before)]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()


async def test_gateways_come_at_once_when_they_wake_and_what_they_start_does_not(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    async with running(two(tmp_path, arms)) as run:
        load = Load(run.port, keep=0, fresh=8)
        loading = spawn(load.run(), name="load")
        while not all(children(pid) for pid in run.gateways.values()):
            await load.answered(load.outcomes["200"] + 20)
        load.stop()
        await loading

        assert {slice_of(pid) for pid in run.gateways.values()} == {SLICE}
        assert SLICE not in {slice_of(child) for pid in run.gateways.values() for child in children(pid)}


def test_an_operators_niceness_stays() -> None:
    assert asked("os.nice(7)") == ["True", "True", str(os.SCHED_OTHER), str(min(19, NICE + 7))]


@pytest.mark.parametrize("error", ["OSError(38, 'not implemented')", "AttributeError()"])
def test_a_system_that_tells_nothing_of_policies_is_served_as_before(error: str) -> None:
    before = f"def refuse(_): raise {error}\nknown, os.sched_getscheduler = os.sched_getscheduler, refuse"
    program = PROGRAM.format(before=before).replace("print(", "os.sched_getscheduler = known\nprint(")
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert told.split()[:2] == ["False", "False"]


def test_an_operators_policy_stays() -> None:
    before = "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"
    assert asked(before) == ["False", "False", str(os.SCHED_BATCH), str(NICE)]
