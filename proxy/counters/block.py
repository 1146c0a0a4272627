"""One process's counts, in memory that another process can map and read, also after the writer has died.

A block is a row of slots, each a double (exact for counts up to 2**53), and a list of names that says which series
has which slots. Only its own process writes; to count is `block.slots[slot] += 1.0` with the slot resolved once. A
name is written before its length is, so a reader sees whole names only; slots are read one by one, so a reader may
see one slot of a series newer than the next.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson
import structlog

SLOTS = 32_768
NAME_BYTES = 512 * 1024
SPARE = 1_024
"""Slots at the front that have no name. Longest run of one series, too."""
_HEAD = 8
_SLOTS_END = _HEAD + SLOTS * 8
SIZE = -(-(_SLOTS_END + NAME_BYTES) // mmap.PAGESIZE) * mmap.PAGESIZE
"""Bytes of a block. Pages never written take no memory."""

_log = structlog.get_logger(__name__)

Series = tuple[str, tuple[str, ...]]
"""A metric's name and its label values."""


def share() -> int:
    """A file descriptor whose SIZE bytes several processes can map. The caller closes it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("slipgauge-counters")
    else:  # not Linux
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, SIZE)
    return descriptor


class Run(NamedTuple):
    """The slots of one series."""

    first: int
    length: int


class Block:
    """The counts of one process.

    `descriptor` is a file of SIZE bytes, which every process that maps it sees; memory of our own without one.
    """

    def __init__(self, descriptor: int = -1) -> None:
        self._memory = memoryview(mmap.mmap(descriptor, SIZE))
        self._written = self._memory[:_HEAD].cast("Q")
        """In its one slot, how many bytes of names are whole."""
        self.slots = self._memory[_HEAD:_SLOTS_END].cast("d")
        self._names = self._memory[_SLOTS_END:]
        self._series: dict[Series, Run] = {}
        self._named: dict[str, list[tuple[tuple[str, ...], Run]]] = {}
        self._known = 0
        self._free = SPARE

    def run(self, name: str, labels: tuple[str, ...], length: int) -> int:
        """The writer's side: the first of the series' `length` slots, taken and named at first use.

        In a full block every further series gets the spare slots, which nobody reads: a count is lost, never a
        request.
        """
        key = (name, labels)
        if key in self._series:
            return self._series[key].first
        line = orjson.dumps((name, labels, self._free, length)) + b"\n"
        end = self._known + len(line)
        if self._free + length > SLOTS or end > len(self._names):
            _log.error("no room for a metric", metric=name)
            self._series[key] = Run(0, 0)
            return 0
        run = self._keep(key, Run(self._free, length))
        self._names[self._known : end] = line
        self._written[0] = self._known = end
        self._free += length
        return run.first

    def series(self) -> Mapping[Series, Run]:
        """Every series so far, whoever wrote it; what found no room has an empty run."""
        written = self._written[0]
        if written > self._known:
            for line in bytes(self._names[self._known : written]).splitlines():
                name, labels, first, length = orjson.loads(line)
                self._keep((name, tuple(labels)), Run(first, length))
            self._known = written
        return self._series

    def named(self, name: str) -> Iterable[tuple[tuple[str, ...], Run]]:
        """The label values and slots of every series of one metric so far."""
        self.series()
        return self._named.get(name, ())

    def _keep(self, key: Series, run: Run) -> Run:
        self._series[key] = run
        name, labels = key
        self._named.setdefault(name, []).append((labels, run))
        return run

    def read(self, run: Run) -> list[float]:
        """The values of one series."""
        return list(self.slots[run.first : run.first + run.length])
