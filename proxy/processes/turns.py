"""How soon a process that passes clients' bytes on gets the processor, where others want it too."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

SLICE = 100_000
"""Nanoseconds that are asked for at a time: the least that Linux takes."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""The system call's number, by machine; not every C library has a function for it."""
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
_RESET_ON_FORK = 1


def ask_for_short() -> bool:
    """Have Linux give this thread the processor in short turns, and so at once when it wakes; whether it agrees.

    By itself a task may finish its turn of some milliseconds before one that wakes is served, an analyzer amid a
    pair as well, however nice. One that asks for shorter turns comes first, for no larger share of the time.
    Kernels before 6.12 take no notice. Threads and processes made from now on do not inherit it, nor a negative
    niceness. See https://docs.kernel.org/scheduler/sched-eevdf.html and
    https://man7.org/linux/man-pages/man2/sched_setattr.2.html.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None or sys.maxsize < 2**32:
        return False
    try:
        if os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK != os.SCHED_OTHER:
            return False  # an operator's own choice of policy stands
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, _RESET_ON_FORK, nice, 0, SLICE, 0, 0)
        done: int = ctypes.CDLL(None).syscall(number, 0, asked, 0)
    except (OSError, AttributeError):  # musl asks the kernel nothing, and some sandboxes refuse it
        return False
    return done == 0
