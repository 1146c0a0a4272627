from __future__ import annotations

import importlib.machinery
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy import compiled

FOUND = "import proxy.gateway.client as one, verdict.sessions as other; print(one.__file__, other.__file__)"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sources that is taken for the sources, and has been compiled; none of it is imported yet."""
    for path in compiled.sources():
        copy = tmp_path / path.relative_to(compiled.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delenv("SLIPGAUGE_PURE", raising=False)
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    for path in compiled.sources():
        library = compiled.folder() / path.relative_to(tmp_path).with_suffix(suffix)
        library.parent.mkdir(parents=True, exist_ok=True)
        library.touch()
    return tmp_path


def found(name: str) -> str | None:
    """The file that would be imported, as far as what is compiled goes."""
    specs = (finder.find_spec(name, None, None) for finder in sys.meta_path)
    return next((spec.origin for spec in specs if spec is not None), None)


def test_compiled_modules_are_found_before_the_sources_they_were_made_of(built: Path) -> None:
    compiled.prefer()
    for path in compiled.sources():
        name = ".".join(path.relative_to(built).with_suffix("").parts)
        origin = found(name)
        assert origin is not None
        assert origin.startswith(str(compiled.folder()))
    assert found("proxy.gateway.gateway") is None
    assert found("json") is None
    assert str(compiled.folder()) in sys.path


def test_once_a_source_has_changed_the_sources_run(built: Path) -> None:
    (built / "verdict/sessions.py").write_text("changed = True")
    compiled.prefer()
    assert sys.meta_path == []


@pytest.mark.usefixtures("built")
def test_the_sources_run_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPGAUGE_PURE", "1")
    compiled.prefer()
    assert sys.meta_path == []


def test_a_process_asked_for_the_sources_has_them() -> None:
    environment = {**os.environ, "SLIPGAUGE_PURE": "1"}
    told = subprocess.run(
        [sys.executable, "-c", FOUND], env=environment, capture_output=True, text=True, check=True
    )
    assert all(file.endswith(".py") for file in told.stdout.split())
