"""What a process does with its memory once it has started: at the end of its start, and from then on."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
from math import inf
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
LARGE = 256 * 1024
"""Bytes from which a block is mapped by itself, and goes back to the system when it is freed."""
SPARE = 1024 * 1024
"""Free bytes at the heap's end that are kept."""
GROWN = 16 * 1024 * 1024
"""Bytes by which a process may grow before what is free amid its heap is given back."""
EVERY = 15.0
"""Seconds between two looks at that."""


def settle() -> None:
    """Look no more at what start-up has made, and let free memory go back to the system."""
    _spare()
    _bound()


def _spare() -> None:
    """Spare everything made so far, imports above all, from garbage collection.

    A full collection would stop the loop for tens of milliseconds to go through it all, and find nothing; see
    https://docs.python.org/3/library/gc.html#gc.freeze.
    """
    gc.collect()
    gc.freeze()


def _bound() -> None:
    """Fix from which size memory is mapped by itself, where the C library is glibc.

    By itself glibc raises this, and what it keeps at the heap's end, with the largest block freed so far: after one
    large answer the next ones lie among what is small and stays, and their room is never given back
    (https://man7.org/linux/man-pages/man3/mallopt.3.html, "dynamic mmap threshold").
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE)
        libc.mallopt(_M_TRIM_THRESHOLD, SPARE)


def tend(least: float = inf) -> None:
    """Give back what lies free amid the heap, regularly as long as the running loop runs; see `give_back`."""
    asyncio.get_running_loop().call_later(EVERY, tend, give_back(least))


def give_back(least: float) -> float:
    """Let the system have what lies free amid the heap, where this process has grown by more than GROWN.

    `least` is how small it has been since that was done last, in bytes, and so is what comes back. Pieces of
    answers that are too small to be mapped by themselves lie among what stays, and after a burst of them a process
    would stay as large as it has ever been. It takes glibc some 0.1 ms for a megabyte of them
    (https://man7.org/linux/man-pages/man3/malloc_trim.3.html).
    """
    with contextlib.suppress(AttributeError, OSError):  # another system, or another C library
        resident = _resident()
        if resident - least <= GROWN:
            return min(least, resident)
        ctypes.CDLL(None).malloc_trim(0)
        return _resident()
    return least


def _resident() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
