"""What an analyzer process asks of the kernel, so that whoever passes clients' bytes on has the processor first."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time

NICENESS = 10
AGAIN = 0.1
"""Seconds between two tries to make the session nice."""
_GROUP = "/proc/self/autogroup"


class Standing:
    """This process's place: behind others from the moment at which this is made.

    Being sent a task wakes this process, which would take the processor from the gateway amid a client's answer;
    one of the batch policy waits for its turn. Where Linux shares the processor out among sessions first, as most
    distributions have it do outside containers, niceness counts only within a session: there the session, which is
    this process's own, is made as nice. See https://man7.org/linux/man-pages/man7/sched.7.html, "The autogroup
    feature". Of all on a host that have no privilege Linux hears one each tenth of a second, so it is tried again
    whenever this process gives way, until it is heard.
    """

    def __init__(self) -> None:
        self._again = math.inf
        """When, by the monotonic clock, to try once more to make the session nice."""
        os.nice(NICENESS)
        if sys.platform != "linux":
            return
        with contextlib.suppress(OSError):  # some sandboxes refuse it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        if os.getsid(0) == os.getpid():
            self._make_session_nice()

    def give_way(self) -> None:
        """Let whoever waits for the processor have it: a pair is much work without a system call between."""
        if sys.platform != "linux":
            return
        os.sched_yield()
        if time.monotonic() >= self._again:
            self._make_session_nice()

    def _make_session_nice(self) -> None:
        self._again = math.inf
        with contextlib.suppress(OSError):  # not every kernel has such groups, and some sandboxes refuse it
            group = os.open(_GROUP, os.O_WRONLY)
            try:
                os.write(group, b"%d" % os.getpriority(os.PRIO_PROCESS, 0))
            except BlockingIOError:
                self._again = time.monotonic() + AGAIN
            finally:
                os.close(group)
