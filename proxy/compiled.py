"""The gateway's modules compiled to C by mypyc, from the same sources: about half the CPU time a request.

`python -m proxy.compiled` builds them; without a C compiler, or once a source has changed, the sources run as they
are. What is built lies in a folder named after the sources' digest, so it can never be older than they are.
Set SLIPGAUGE_PURE=1 to run the sources (to debug, or to compare). See https://mypyc.readthedocs.io/.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import MutableSequence
from hashlib import sha256
from pathlib import Path

_GATEWAY = Path(__file__).parent / "gateway"
_LEFT_OUT = frozenset({"__init__", "closing", "gateway", "watch"})
"""What runs once or now and then: compiling it would gain nothing. (mypyc lets go of a local after its last use by
name, also where a system call still reads the memory, as in `closing`.)"""


def sources() -> list[Path]:
    """The modules that are compiled."""
    return sorted(path for path in _GATEWAY.rglob("*.py") if path.stem not in _LEFT_OUT)


def folder() -> Path:
    """Where the compiled modules of these very sources lie, or would lie, for this interpreter."""
    digest = sha256()
    for path in sources():
        digest.update(str(path.relative_to(_GATEWAY)).encode() + b"\0" + path.read_bytes())
    return _GATEWAY.parent / "__compiled__" / f"{sys.implementation.cache_tag}-{digest.hexdigest()[:16]}"


def prefer(package: str, path: MutableSequence[str]) -> None:
    """Let `package`, the gateway or one within, find compiled modules first in its `__path__`, if there are any."""
    built = folder()
    if built.is_dir() and not os.environ.get("SLIPGAUGE_PURE"):
        path.insert(0, str(built.joinpath(*package.split("."))))
        if str(built) not in sys.path:
            sys.path.append(str(built))  # they share one library, which is found by its own name


def active() -> bool:
    """Whether the gateway runs compiled."""
    from proxy.gateway import client  # noqa: PLC0415 - the gateway's package imports this module

    return not client.__file__.endswith(".py")


def build() -> Path:
    """Compile the modules; what is there already for these sources is kept.

    Raises:
        SystemExit: mypyc refuses a source, and has said why; or there is no working C compiler.
    """
    from mypyc.build import mypycify  # noqa: PLC0415 - only building needs a compiler
    from setuptools import Distribution  # noqa: PLC0415

    built = folder()
    if built.is_dir():
        return built
    root = _GATEWAY.parent.parent
    os.chdir(root)  # mypy finds its configuration and the packages here
    built.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as work:
        modules = [str(path.relative_to(root)) for path in sources()]
        found = mypycify(modules, opt_level="2", debug_level="0", target_dir=work, group_name="slipgauge_gateway")
        command = Distribution({"ext_modules": found}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = f"{work}/lib", f"{work}/temp"
        command.ensure_finalized()
        command.run()
        Path(work, "lib").rename(built)
    return built


if __name__ == "__main__":
    print(f"compiled into {build()}")  # noqa: T201 - run by hand
