from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.control.sqlite_store import VERSION, InUseError, SqliteStore
from proxy.control.store import Batch, Entry, StoreError

ENTRY = Entry(
    "2026-11-25T09:00:00+00:00", "hold", "operator", "weekend", "shadow", "shadow", 0.0, "1", [{"name": "g"}]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


def test_what_was_committed_is_there_when_it_is_opened_again(store: SqliteStore, path: Path) -> None:
    store.commit(Batch(state={"a": b"1", "b": b"2"}, seen={"x": b"1", "y": b"1"}, audit=[ENTRY]))
    store.commit(Batch(state={"a": b"3"}, seen={"x": b"2", "z": b"1"}))
    store.close()
    again = SqliteStore(path)

    assert again.state() == {"a": b"3", "b": b"2"}
    assert list(again.seen().items()) == [("x", b"2"), ("y", b"1"), ("z", b"1")]
    assert [logged.row() for logged in again.audit()] == [{"id": 1, **ENTRY._asdict()}]
    again.close()


def test_new_evidence_forgets_the_sessions_of_the_old(store: SqliteStore) -> None:
    store.commit(Batch(seen={"x": b"1"}))
    store.commit(Batch(seen={"y": b"1"}, forget=True))

    assert store.seen() == {"y": b"1"}


def test_the_audit_log_is_read_from_both_ends(store: SqliteStore) -> None:
    store.commit(Batch(audit=[ENTRY._replace(reason=str(n)) for n in range(1, 6)]))

    assert [logged.id for logged in store.audit(after=2, limit=2)] == [3, 4]
    assert [logged.id for logged in store.latest(limit=2)] == [5, 4]
    assert [logged.id for logged in store.latest(before=3)] == [2, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'none'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit VALUES (1, '', '', '', '', '', '', 0, '', '[]')",
    ],
)
def test_no_program_changes_or_cuts_the_audit_log(store: SqliteStore, path: Path, statement: str) -> None:
    store.commit(Batch(audit=[ENTRY]))
    other = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement)
    other.close()

    assert len(store.audit()) == 1


def test_a_batch_is_written_whole_or_not_at_all(store: SqliteStore) -> None:
    store.commit(Batch(state={"a": b"1"}))
    broken = ENTRY._replace(reason=None)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="NOT NULL"):
        store.commit(Batch(state={"a": b"2"}, seen={"x": b"1"}, forget=True, audit=[broken]))

    assert (store.state(), store.seen(), store.audit()) == ({"a": b"1"}, {}, [])


def test_a_full_disk_is_an_error_and_the_next_commit_goes_on_when_there_is_room(store: SqliteStore) -> None:
    store.commit(Batch(state={"a": b"1"}))
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"):
        store.commit(Batch(state={"a": bytes(1_000_000)}))
    assert store.state() == {"a": b"1"}

    store._db.execute("PRAGMA max_page_count = 1000000")
    store.commit(Batch(state={"a": b"2"}))
    assert store.state() == {"a": b"2"}


def test_what_could_not_be_written_is_written_with_what_came_after() -> None:
    batch = Batch(state={"a": b"1", "b": b"1"}, seen={"x": b"1"}, audit=[ENTRY])
    batch.add(Batch(state={"a": b"2"}, seen={"y": b"1"}))
    assert batch == Batch(state={"a": b"2", "b": b"1"}, seen={"x": b"1", "y": b"1"}, audit=[ENTRY])

    batch.add(Batch(seen={"z": b"1"}, forget=True, audit=[ENTRY]))
    assert (batch.seen, batch.forget, batch.audit) == ({"z": b"1"}, True, [ENTRY, ENTRY])


def test_a_second_deployment_is_kept_out_and_let_in_when_the_first_has_ended(
    store: SqliteStore, path: Path
) -> None:
    with pytest.raises(InUseError):
        SqliteStore(path)
    store.close()
    SqliteStore(path).close()


def test_a_file_that_is_no_store_or_a_newer_one_is_an_error_and_left_alone(path: Path) -> None:
    path.write_text("no database, but long enough to be taken for the head of one by a careless reader" * 10)
    with pytest.raises(StoreError, match="not a database"):
        SqliteStore(path)
    assert path.read_text().startswith("no database")

    path.unlink()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(StoreError, match="newer"):
        SqliteStore(path)


def test_its_file_is_its_owners_alone(store: SqliteStore, path: Path) -> None:
    store.commit(Batch(state={"salt": b"secret"}))

    assert [each.stat().st_mode & 0o777 for each in path.parent.glob("s.db*")] == [0o600] * 4


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        SqliteStore(tmp_path / "nowhere" / "s.db")


def test_without_a_file_it_is_kept_in_memory() -> None:
    store = SqliteStore(None)
    store.commit(Batch(state={"a": b"1"}))

    assert store.state() == {"a": b"1"}
    store.close()
