"""Counts that outlive the process that made them, and whose they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.counters import Block
from proxy.counters.block import SIZE
from proxy.counters.shelf import MOST, Shelf

DEPLOYMENT, OTHER = "0123456789ab", "ba9876543210"
COUNTS = """
import os, sys, signal
from pathlib import Path
from proxy.counters import Block
from proxy.counters.shelf import Shelf
shelf = Shelf(sys.argv[2], "g-1.a", Path(sys.argv[1]))
for number in range(2):
    block = Block(shelf.share().descriptor)
    block.slots[block.run("n", ("x",), 1)] = 5.0 + number
print("counts", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(DEPLOYMENT, "g-1.b", tmp_path)


def counting(folder: Path, deployment: str = DEPLOYMENT) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTS, str(folder), deployment], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"counts\n"
    return process


def killed(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_what_a_killed_process_counted_is_found_once_it_has_ended(tmp_path: Path, shelf: Shelf) -> None:
    process = counting(tmp_path)
    shelf.share()
    assert list(shelf.left()) == []
    killed(process)

    (left,) = shelf.left()
    assert left.incarnation == "g-1.a"
    assert sorted(block.read(run)[0] for block in left.blocks for run in block.series().values()) == [5.0, 6.0]
    assert list(Shelf(DEPLOYMENT, "g-1.c", tmp_path).left()) == []  # it is ours
    left.release()
    (again,) = Shelf(DEPLOYMENT, "g-1.c", tmp_path).left()
    again.forget()
    assert list(shelf.left()) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_another_deployment_is_let_be(tmp_path: Path, shelf: Shelf) -> None:
    killed(counting(tmp_path, OTHER))
    assert list(shelf.left()) == []


def test_what_is_forgotten_by_its_own_process_is_gone(tmp_path: Path, shelf: Shelf) -> None:
    shared = shelf.share()
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == SIZE
    shared.forget()
    shared.forget()
    assert list(tmp_path.iterdir()) == []
    os.close(shared.descriptor)


@pytest.mark.parametrize("planted", ["link", "short", "folder", "hard link"])
def test_a_file_that_is_none_of_ours_is_not_read(tmp_path: Path, shelf: Shelf, planted: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(bytes(SIZE))
    path = tmp_path / f"slipgauge-{DEPLOYMENT}-g.x-0"
    if planted == "link":
        path.symlink_to(elsewhere)
    elif planted == "hard link":
        path.hardlink_to(elsewhere)
    elif planted == "short":
        path.write_bytes(b"x")
    else:
        path.mkdir()

    assert list(shelf.left()) == []


def test_where_there_is_no_place_for_files_it_counts_all_the_same(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path):
        for number in range(MOST):
            if folder.exists():
                (folder / f"slipgauge-{DEPLOYMENT}-g.{number}-0").touch()
        shared = Shelf(DEPLOYMENT, "g.b", folder).share()
        block = Block(shared.descriptor)
        block.slots[block.run("n", (), 1)] = 1.0
        shared.forget()
        os.close(shared.descriptor)
    assert len(list(tmp_path.iterdir())) == MOST


def test_the_folder_is_what_the_service_manager_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}:/elsewhere")
    shared = Shelf(DEPLOYMENT, "g.b").share()
    assert [path.name for path in tmp_path.iterdir()] == [f"slipgauge-{DEPLOYMENT}-g.b-0"]
    os.close(shared.descriptor)
