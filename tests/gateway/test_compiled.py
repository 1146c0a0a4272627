from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy import compiled

CLIENT = "import proxy.gateway.client as module; print(module.__file__)"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the gateway's sources that is taken for the gateway, and has been compiled."""
    gateway = tmp_path / "gateway"
    gateway.mkdir()
    for path in compiled.sources():
        copy = gateway / path.relative_to(compiled._GATEWAY)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(compiled, "_GATEWAY", gateway)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delenv("SLIPGAUGE_PURE", raising=False)
    compiled.folder().mkdir(parents=True)
    return gateway


@pytest.mark.usefixtures("built")
def test_compiled_modules_go_before_the_sources_they_were_made_of() -> None:
    path = ["sources"]
    compiled.prefer("proxy.gateway.arms", path)
    assert path == [str(compiled.folder() / "proxy" / "gateway" / "arms"), "sources"]


def test_a_source_that_changed_runs_as_it_is(built: Path) -> None:
    (built / "client.py").write_text("changed = True")
    path = ["sources"]
    compiled.prefer("proxy.gateway.arms", path)
    assert path == ["sources"]


@pytest.mark.usefixtures("built")
def test_the_sources_run_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPGAUGE_PURE", "1")
    path = ["sources"]
    compiled.prefer("proxy.gateway.arms", path)
    assert path == ["sources"]


def test_a_process_asked_for_the_sources_has_them() -> None:
    environment = {**os.environ, "SLIPGAUGE_PURE": "1"}
    told = subprocess.run(
        [sys.executable, "-c", CLIENT], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip().endswith("proxy/gateway/client.py")
