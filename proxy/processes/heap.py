"""Keeps the garbage collector from stopping the event loop to look at what lives as long as the process."""

from __future__ import annotations

import gc


def keep() -> None:
    """Spare everything made so far, imports above all, from collections. For the end of a process's start.

    A full collection would stop the loop for tens of milliseconds to go through it all, and find nothing; see
    https://docs.python.org/3/library/gc.html#gc.freeze.
    """
    gc.collect()
    gc.freeze()
