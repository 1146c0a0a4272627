"""Blocks in files of the host's memory, so that what a process counted can be read after all of it was killed.

A file is locked for as long as a process counts in it (flock(2)): one that is not was left by a process that has
ended, however it ended, and whoever finds it may account for it. The files lie where a service manager says
(`RUNTIME_DIRECTORY`, systemd.exec(5)), else in the host's shared memory; where there is neither, counts die with
their process. Never on a disk: the kernel writing a page out would hold up the request that counts in it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import structlog

from proxy.counters.block import SIZE, Block, share

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - files of our own alone are read there, and none is replaced
MOST = 256
"""Most files of one deployment: where so many are left, counts die with their process."""
_NAME = re.compile(r"slipgauge-([0-9a-f]{12})-([\w.:+-]{1,120})-([0-9]{1,9})", re.ASCII)

_log = structlog.get_logger(__name__)


class Shared(NamedTuple):
    """Memory for a block of its own."""

    descriptor: int
    """SIZE bytes. Whoever takes it closes it."""
    forget: Callable[[], None]
    """Called once what was counted there is accounted for."""


def unshelved() -> Shared:
    """Memory that is gone with the processes that map it."""
    return Shared(share(), lambda: None)


class Left(NamedTuple):
    """What an incarnation that has ended has left."""

    incarnation: str
    blocks: tuple[Block, ...]
    forget: Callable[[], None]
    """Called once it is accounted for."""
    release: Callable[[], None]
    """Called in its place where it is not: another may try."""


class Shelf:
    """`deployment` is 12 hexadecimal digits that tell deployments on one host apart; names are words."""

    def __init__(self, deployment: str, incarnation: str, folder: Path | None = None) -> None:
        self._folder = folder or _folder()
        self._deployment = deployment
        self._incarnation = incarnation
        self._numbers = count()

    def share(self) -> Shared:
        """Memory for one process's block: in a file where there is a place for it."""
        if self._folder is None:
            return unshelved()
        path = self._folder / f"slipgauge-{self._deployment}-{self._incarnation}-{next(self._numbers)}"
        try:
            return Shared(_made(path, f"slipgauge-{self._deployment}-*"), lambda: path.unlink(missing_ok=True))
        except OSError as error:
            folder, why = str(self._folder), error.strerror
            _log.warning("what is counted since the last second is lost with a process", folder=folder, error=why)
            return unshelved()

    def left(self) -> Iterator[Left]:
        """What other incarnations have left here. Each is ours until it is forgotten or released."""
        found: dict[str, list[Path]] = {}
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir() if self._folder is not None else ():
                name = _NAME.fullmatch(path.name)
                if name and name[1] == self._deployment and name[2] != self._incarnation:
                    found.setdefault(name[2], []).append(path)
        for incarnation, paths in found.items():
            if (left := _take(incarnation, paths)) is not None:
                yield left


def _folder() -> Path | None:
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    folder = Path(given) if given else SHARED_MEMORY
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _made(path: Path, alike: str) -> int:
    """A new file, locked, all of which is there: memory that ran out at a count would end the process."""
    if len(list(path.parent.glob(alike))) >= MOST:
        raise OSError(errno.EDQUOT, "so many files were left there already")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.posix_fallocate(descriptor, 0, SIZE)
    except OSError:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor


def _take(incarnation: str, paths: list[Path]) -> Left | None:
    """All that it left, or None where some of its processes still run, or a file is not one of ours."""
    held = list[int]()

    def release() -> None:
        for each in held:
            fcntl.flock(each, fcntl.LOCK_UN)  # a block maps its file by a descriptor of its own
            os.close(each)
        held.clear()

    def forget() -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        release()

    try:
        for path in paths:
            held.append(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        if all(_is_ours(os.fstat(each)) for each in held):
            return Left(incarnation, tuple(map(Block, held)), forget, release)
    except OSError:
        pass
    release()
    return None


def _is_ours(found: os.stat_result) -> bool:
    """Another user may have put anything there."""
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_uid == os.geteuid()
        and found.st_nlink == 1
        and found.st_size == SIZE
    )
