"""Files that an operator names: read whole, and never waited for."""

from __future__ import annotations

import errno
import os
import stat


def read_regular(path: str | os.PathLike[str], most: int = -1) -> bytes:
    """What a file holds, `most` bytes of it. Raises OSError, for a pipe or a device too: its end may never come."""
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is a pipe or a device, should be a regular file")
        return file.read(most)


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
