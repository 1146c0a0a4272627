"""What a process does with its memory once it has started: at the end of its start, and from then on."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
LARGE = 256 * 1024
"""Bytes from which a block is mapped by itself, and goes back to the system when it is freed."""
SPARE = 1024 * 1024
"""Free bytes at the heap's end that are kept."""
AMID = 32 * 1024 * 1024
"""Free bytes amid the heap from which on they are given back."""
EVERY = 60.0
"""Seconds between two looks at them."""


class _Mallinfo(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks"),
            *("fordblks", "keepcost"),
        )
    )


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


def tend() -> None:
    """Give back what lies free amid the heap, now and regularly as long as the running loop runs."""
    give_back()
    asyncio.get_running_loop().call_later(EVERY, tend)


def give_back() -> None:
    """Let the system have the free memory amid the heap, where it is more than AMID and the library is glibc.

    Pieces of answers that are too small to be mapped by themselves lie among what stays: after a burst of them a
    process would stay as large as it has ever been. Looking takes 0.2 ms, giving back some 0.1 ms for a megabyte
    (https://man7.org/linux/man-pages/man3/malloc_trim.3.html, mallinfo.3).
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library, or glibc before 2.33
        libc = ctypes.CDLL(None)
        libc.mallinfo2.restype = _Mallinfo
        if libc.mallinfo2().fordblks > AMID:
            libc.malloc_trim(0)
