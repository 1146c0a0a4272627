"""No process outlives the one that started it.

    python -m proxy.processes.orphans PARENT COMMAND...

becomes COMMAND, which the kernel kills when the process PARENT ends, however it does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent`, its process id, ends; at once if it has (prctl(2)).

    Elsewhere than on Linux nothing is done, and the end of a pipe from the parent must do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Become the command."""
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 (no shell is meant)


if __name__ == "__main__":
    main()
