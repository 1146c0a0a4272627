"""What a process does with its memory once it has started. For the end of its start."""

from __future__ import annotations

import contextlib
import ctypes
import gc

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
LARGE = 64 * 1024
"""Bytes from which a block is mapped by itself, and goes back to the system when it is freed.

What is read of a large answer comes in pieces of up to 256 kB. Were the smaller ones to lie in the heap, a burst of
them would leave the process as large as it has ever been; mapping them makes reading 10 MB some 1.6 ms slower.
"""
SPARE = 1024 * 1024
"""Free bytes at the heap's end that are kept."""


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
