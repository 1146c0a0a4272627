"""A few shared bytes in which a child says what it is doing and since when.

The parent looks only when time is up or the child is gone, so announcing an analyzer costs a store into memory
instead of a message on the gateway's event loop. A child that has read hostile text is not trusted: `read` gives
only a task that is in its pipe, a known stage and a time that has been, whatever stands in the bytes.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import time
from typing import NamedTuple

IDLE = -2
READING = -1
"""The captured bytes are being read; 0 and above is the analyzer at that place."""
_FORMAT = struct.Struct("<dQq")


class Doing(NamedTuple):
    """What a child does: `stage` of a task, since `began` by the system's monotonic clock."""

    number: int = 0
    stage: int = IDLE
    began: float = 0.0


NOTHING = Doing()


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
    """The mapped bytes; both sides make one from the same descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, mmap.PAGESIZE)

    def write(self, number: int, stage: int) -> None:
        """Say that `stage` of this task begins now."""
        _FORMAT.pack_into(self._memory, 0, time.monotonic(), number, stage)

    def read(self, numbers: range, stages: int) -> Doing:
        """What is done of the tasks `numbers`, each of `stages` analyzers; NOTHING where that cannot be."""
        began, number, stage = _FORMAT.unpack_from(self._memory, 0)
        if number in numbers and READING <= stage < stages and began <= time.monotonic():
            return Doing(number, stage, began)
        return NOTHING

    def close(self) -> None:
        """Unmap."""
        self._memory.close()
