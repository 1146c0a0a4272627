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
from tests.processes.stand import children, running
from tests.processes.test_fleet import two

NUMBERS = {"x86_64": (314, 315), "aarch64": (274, 275), "riscv64": (274, 275)}.get(platform.machine())
ATTRIBUTES = "=IIQiIQQQ"
NICE = os.getpriority(os.PRIO_PROCESS, 0)
PROGRAM = """
import os
from proxy.processes import turns
{before}
asked = [turns.ask_for_short(), turns.ask_for_short()]
print(*asked, os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.getpriority(os.PRIO_PROCESS, 0))
"""


def slice_of(pid: int) -> int:
    """Nanoseconds of the processor that a process gets at a time."""
    assert NUMBERS is not None
    told = ctypes.create_string_buffer(struct.calcsize(ATTRIBUTES))
    assert ctypes.CDLL(None).syscall(NUMBERS[1], pid, told, len(told), 0) == 0
    runtime: int = struct.unpack(ATTRIBUTES, told.raw)[5]
    return runtime


def taken() -> bool:
    """Whether this kernel, and whatever guards it, gives turns of the length that is asked for."""
    if NUMBERS is None or sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False

    def ask(nanoseconds: int) -> bool:
        told = struct.pack(ATTRIBUTES, 48, os.SCHED_OTHER, 0, NICE, 0, nanoseconds, 0, 0)
        return bool(ctypes.CDLL(None).syscall(NUMBERS[0], 0, told, 0) == 0)

    if not ask(3 * SLICE):
        return False
    try:
        return slice_of(0) == 3 * SLICE
    finally:
        assert ask(0)


pytestmark = pytest.mark.skipif(not taken(), reason="this system gives no shorter turns")


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
