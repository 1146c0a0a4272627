from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config import Config
from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.control.kept import Kept, salt_in, take_up
from proxy.control.sqlite_store import InUseError, SqliteStore
from proxy.telemetry import Telemetry
from tests.control.fakes import FixedGateways, FixedLedger
from verdict.rollout import Command, Stage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def start(config: Config, path: Path) -> Callable[[], Kept]:
    def make(salt: str) -> Control:
        return Control(config, Telemetry(), FixedLedger(), "1.2.3", salt)

    return lambda: take_up(str(path), make)


def run(kept: Kept, *commands: Command) -> None:
    """What a deployment does with it: begin, follow commands, stop."""
    asyncio.run(_run(kept, *commands))


async def _run(kept: Kept, *commands: Command) -> None:
    keeper = Keeper(kept.control, kept.store, FixedGateways().weigh, silence=8.0, broken=kept.broken)
    await keeper.start()
    for command in commands:
        await keeper.command(command, by="operator", reason="because")
    await keeper.stop()


def written(path: Path, statement: str, *values: bytes) -> None:
    db = sqlite3.connect(path)
    db.execute(statement, values)
    db.commit()
    db.close()


def test_what_was_rolled_back_is_so_after_a_restart(start: Callable[[], Kept]) -> None:
    run(start(), Command.ROLLBACK)
    again = start()

    assert (again.control.rollout.stage, again.last, again.broken) == (Stage.ROLLED_BACK, 2, None)
    run(again)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("rollout", "evidence") for value in (b"{", b"null", b"{}", b"[]")),
        ("evidence", b'{"number": 1, "dossier": []}'),
        ("salt", b"\xff\xfe"),
    ],
)
def test_a_store_that_nobody_can_make_sense_of_is_left_as_it_is(
    start: Callable[[], Kept], path: Path, name: str, value: bytes
) -> None:
    run(start(), Command.ROLLBACK)
    written(path, f"UPDATE state SET value = ? WHERE name = '{name}'", value)
    before = path.read_bytes()
    for _ in range(2):  # by the second start it has not been written over
        found = start()
        assert "left as it is" in str(found.broken)
        run(found)
        assert found.control.store_problem == found.broken

    assert path.read_bytes() == before


def test_a_damaged_file_keeps_nobody_from_starting(start: Callable[[], Kept], path: Path) -> None:
    run(start(), Command.ROLLBACK)
    whole = path.read_bytes()
    for place in range(100, len(whole), 4_096):
        path.write_bytes(whole[:place] + b"damaged" * 30 + whole[place + 210 :])
        found = start()
        assert found.broken or found.control.rollout.stage is Stage.ROLLED_BACK
        found.store.close()


def test_a_store_without_its_audit_log_is_none(start: Callable[[], Kept], path: Path) -> None:
    run(start())
    written(path, "DROP TRIGGER audit_is_not_cut")
    written(path, "DROP TABLE audit")
    found = start()

    assert "no such table" in str(found.broken)
    found.store.close()


def test_a_file_that_is_no_store_is_replaced_by_memory_and_named(start: Callable[[], Kept], path: Path) -> None:
    path.write_bytes(b"something else" * 100)
    found = start()

    assert "not a database" in str(found.broken)
    assert salt_in(found.store) == found.salt
    assert path.read_bytes().startswith(b"something else")
    found.store.close()


def test_one_file_is_locked_under_all_its_names(start: Callable[[], Kept], path: Path) -> None:
    first = SqliteStore(path)
    path.with_name("other.db").symlink_to(path)
    for name in ("s.db", "other.db"):
        with pytest.raises(InUseError):
            SqliteStore(path.with_name(name))
    with pytest.raises(InUseError):
        start()
    first.close()


def test_the_salt_is_made_once(path: Path) -> None:
    first = SqliteStore(path)
    salt = salt_in(first)
    first.close()
    again = SqliteStore(path)

    assert salt_in(again) == salt
    assert len(salt) == 64
    again.close()
