"""What a verdict rests on never comes from the pool, which is full of slips by design."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JUDGING = (
    *(ROOT / "verdict").rglob("*.py"),
    *(
        (ROOT / "proxy/control") / f"{name}.py"
        for name in ("control", "tables", "turns", "facts", "keeper", "store")
    ),
    ROOT / "proxy/control/sqlite_store.py",
    *(ROOT / "analyzers").rglob("*.py"),
)


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


@pytest.mark.parametrize("path", JUDGING, ids=lambda path: str(path.relative_to(ROOT)))
def test_whoever_judges_knows_no_pool(path: Path) -> None:
    names = imported(path)

    assert not {name for name in names if name.split(".")[0] == "cases" or name.startswith("proxy.cases")}


def test_the_rule_would_see_one() -> None:
    assert "cases.pool" in imported(ROOT / "proxy/cases/sqlite_pool.py")
    assert len(JUDGING) > 30
