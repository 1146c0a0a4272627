"""The example of an analyzer by somebody else, built and installed as its README says."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hatchling.build import build_wheel

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "word_limit"


@cache
def wheel() -> Path:
    """The example's wheel; a file that Python imports from and finds entry points in."""
    folder = Path(tempfile.mkdtemp(prefix="slipgauge-example-"))
    with contextlib.chdir(EXAMPLE):
        return folder / build_wheel(str(folder))


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """The example is found as if it had been installed."""
    sys.path.insert(0, str(wheel()))
    try:
        yield
    finally:
        sys.path.remove(str(wheel()))
