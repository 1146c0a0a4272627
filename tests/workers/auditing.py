"""What an analyzer process reaches for while it scores a pair, by the interpreter's audit events.

`watch` makes a folder whose sitecustomize is this file, so that the process runs it before anything else. Notes are
in memory that the test maps too, since an analyzer process may write no file.
https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from types import FrameType

NOTES = "notes"
SIZE = 65_536
REACHES = (
    *("open", "socket.", "ssl.", "urllib.", "http.", "ftplib.", "smtplib.", "subprocess.", "shutil.", "tempfile."),
    *("os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "os.kill", "os.listdir", "os.scandir"),
    *("os.mkdir", "os.remove", "os.rename", "os.link", "os.symlink", "ctypes.", "webbrowser.", "mmap."),
)


def watch(folder: Path) -> None:
    """Have processes whose PYTHONPATH begins with this folder note what they reach for."""
    (folder / NOTES).write_bytes(bytes(SIZE))
    (folder / "sitecustomize.py").write_text(Path(__file__).read_text())


def reached(folder: Path) -> list[str]:
    """What has been noted there."""
    return (folder / NOTES).read_bytes().rstrip(b"\0").decode().splitlines()


def scoring(frame: FrameType | None) -> bool:
    """Whether a pair is being read or judged, further up the stack."""
    while frame is not None:
        if frame.f_code.co_name == "answer" and frame.f_code.co_filename.endswith("workers/child.py"):
            return True
        frame = frame.f_back
    return False


if __name__ == "sitecustomize":
    with (Path(__file__).parent / NOTES).open("r+b") as file:
        memory = mmap.mmap(file.fileno(), SIZE)

    def note(event: str, arguments: tuple[object, ...]) -> None:
        """Called at each audit event."""
        if event.startswith(REACHES) and scoring(sys._getframe(1)):
            line = f"{event} {arguments[:1]!r:.200}\n".encode(errors="replace")
            end = memory.find(b"\0")
            if 0 <= end < SIZE - len(line):
                memory[end : end + len(line)] = line

    sys.addaudithook(note)
