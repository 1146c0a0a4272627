"""A few shared bytes in which a child says what it is doing and since when.

The parent looks only when time is up or the child is gone, so announcing an analyzer costs a store into memory
instead of a message on the gateway's event loop. A child that has read hostile text is not trusted: `read` gives
only a known stage and a time that lies within the job, whatever stands in the bytes.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import time

IDLE = -2
READING = -1
"""The captured bytes are being read; 0 and above is the analyzer at that place of the job."""
_FORMAT = struct.Struct("<dq")


def make() -> int:
    """A file descriptor whose bytes parent and child map. The caller closes it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("slipgauge-worker")
    else:  # not Linux
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, mmap.PAGESIZE)
    return descriptor


class Cell:
    """The mapped bytes; both sides make one from the same descriptor. Times are of the system's monotonic clock."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, mmap.PAGESIZE)

    def write(self, stage: int) -> None:
        """Say that `stage` begins now."""
        _FORMAT.pack_into(self._memory, 0, time.monotonic(), stage)

    def read(self, since: float, stages: int) -> tuple[int, float]:
        """The stage of a job of `stages` analyzers dispatched at `since`, and when it began."""
        began, stage = _FORMAT.unpack_from(self._memory, 0)
        if not READING <= stage < stages:
            return IDLE, since
        return stage, began if since <= began <= time.monotonic() else since

    def close(self) -> None:
        """Unmap."""
        self._memory.close()
