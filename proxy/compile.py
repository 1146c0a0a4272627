"""Compiles what `proxy.compiled` names, with mypyc and a C compiler: python -m proxy.compile."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Distribution

from proxy.compiled import ROOT, folder, sources


def build() -> Path:
    """Compile the modules; what is there already for these sources is kept.

    Raises:
        SystemExit: mypyc refuses a source, and has said why; or there is no working C compiler.
    """
    built = folder()
    if built.is_dir():
        return built
    os.chdir(ROOT)  # mypy finds its configuration and the packages here
    built.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as work:
        modules = [str(path.relative_to(ROOT)) for path in sources()]
        found = mypycify(modules, opt_level="2", debug_level="0", target_dir=work, group_name="slipgauge")
        command = Distribution({"ext_modules": found}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = f"{work}/lib", f"{work}/temp"
        command.ensure_finalized()
        command.run()
        Path(work, "lib").rename(built)
    return built


if __name__ == "__main__":
    print(f"compiled into {build()}")  # noqa: T201 - run by hand
