"""What every request and every pair passes through, compiled to C by mypyc from the same sources.

`python -m proxy.compile` builds it; without that, or once a source has changed, the sources run as they are. What
is built lies in a folder named after the sources' digest, so it can never be older than they are. Set
SLIPGAUGE_PURE=1 to run the sources (to debug, or to compare). See https://mypyc.readthedocs.io/.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
_LEFT_OUT = frozenset({"__init__", "closing", "gateway", "watch"})
"""Of the gateway: what runs once or now and then, where compiling gains nothing. (mypyc lets go of a local after
its last use by name, also where a system call still reads the memory, as in `closing`.)"""
_BEYOND: Mapping[str, tuple[str, ...]] = {
    "proxy/control": ("legs", "tables", "turns"),
    "proxy/workers": ("penalties", "window"),
    "verdict": (
        *("clients", "counts", "coverage", "dossier", "evidence", "harm", "late", "repeat", "segments", "sessions"),
        *("tally", "watermark"),
    ),
}
"""Behind the gateway: what is done for each pair on the same event loop."""


def sources() -> list[Path]:
    """The modules that are compiled."""
    gateway = [path for path in (ROOT / "proxy/gateway").rglob("*.py") if path.stem not in _LEFT_OUT]
    return sorted((*gateway, *(ROOT / package / f"{name}.py" for package in _BEYOND for name in _BEYOND[package])))


def folder() -> Path:
    """Where the compiled modules of these very sources lie, or would lie, for this interpreter."""
    digest = sha256()
    for path in sources():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return ROOT / "proxy/__compiled__" / f"{sys.implementation.cache_tag}-{digest.hexdigest()[:16]}"


class Finder:
    """Finds the compiled modules before their sources (https://docs.python.org/3/library/sys.html#sys.meta_path)."""

    def __init__(self, built: Path) -> None:
        self._folders = {
            ".".join(path.relative_to(ROOT).with_suffix("").parts): str(built / path.relative_to(ROOT).parent)
            for path in sources()
        }

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See importlib.abc.MetaPathFinder."""
        found = self._folders.get(name)
        return None if found is None else PathFinder.find_spec(name, [found])


def prefer() -> None:
    """Have what is compiled found before its sources from now on, if it is as new as they are."""
    if os.environ.get("SLIPGAUGE_PURE") or not (built := folder()).is_dir():
        return
    sys.meta_path.insert(0, Finder(built))
    sys.path.append(str(built))  # the modules share one library, which is found by its own name


def active() -> bool:
    """Whether the gateway runs compiled."""
    from proxy.gateway import client  # noqa: PLC0415 - the package of both calls `prefer` first

    return not client.__file__.endswith(".py")
