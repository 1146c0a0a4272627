"""What an analyzer process asks of the kernel, so that whoever passes clients' bytes on has the processor first."""

from __future__ import annotations

import contextlib
import os
import sys
import time

NICENESS = 10
TRIES = 50
AGAIN = 0.1
"""Seconds between two tries to make the session nice."""
_GROUP = "/proc/self/autogroup"


def stand_back() -> None:
    """Make way, for good: be nicer than others, and wait for a turn when woken instead of taking it.

    Being sent a task wakes this process, which would take the processor from the gateway amid a client's answer;
    one of the batch policy waits. Where Linux shares the processor out among sessions first, as most distributions
    have it do outside containers, niceness counts only within a session: there the session, which is this process's
    own, is made as nice. See https://man7.org/linux/man-pages/man7/sched.7.html, "The autogroup feature".
    """
    os.nice(NICENESS)
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):  # some sandboxes refuse it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if os.getsid(0) == os.getpid():
        _make_session_nice(os.getpriority(os.PRIO_PROCESS, 0))


def _make_session_nice(niceness: int) -> None:
    for _ in range(TRIES):
        try:
            group = os.open(_GROUP, os.O_WRONLY)
            try:
                os.write(group, b"%d" % niceness)
            finally:
                os.close(group)
        except BlockingIOError:  # of all without privilege on a host one is heard each tenth of a second
            time.sleep(AGAIN)
        except OSError:  # not every kernel has such groups, and some sandboxes refuse it
            return
        else:
            return


def give_way() -> None:
    """Let whoever waits for the processor have it: a pair is much work without a system call between."""
    if sys.platform == "linux":
        os.sched_yield()
