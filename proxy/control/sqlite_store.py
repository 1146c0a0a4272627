"""The store in one SQLite file, in WAL mode: a transaction is there whole after a crash, or not at all.

`synchronous=FULL` has each commit reach the disk before it counts (https://sqlite.org/pragma.html#pragma_synchronous);
in WAL mode the next most careful setting may lose the last ones when the power fails. A lock on a file beside it
keeps a second deployment out, and ends with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from proxy.control.store import Batch, Entry, Logged, StoreError

VERSION = 1
SCHEMA = """
CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (number INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, value BLOB NOT NULL);
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, action TEXT NOT NULL, by TEXT NOT NULL,
  reason TEXT NOT NULL, before TEXT NOT NULL, stage TEXT NOT NULL, weight REAL NOT NULL, revision TEXT NOT NULL,
  evidence TEXT NOT NULL
);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""
_ENTRY = ", ".join(Entry._fields)


class InUseError(StoreError):
    """Another process has the file."""


class SqliteStore:
    """`path` is the file, made where there is none; in memory, and gone with the process, where it is None.

    Raises InUseError, or StoreError where the file is no store or cannot be used.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock: int | None = None
        path = None if path is None else path.resolve()  # one lock, whatever the file is called
        with _errors():
            if path is not None:
                _made(path)
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        try:
            if path is not None:
                self._lock = _locked(path)
            with _errors():
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._prepare()
        except StoreError:
            self.close()
            raise

    def state(self) -> dict[str, bytes]:
        """See `Store.state`."""
        with _errors():
            return dict(self._db.execute("SELECT name, value FROM state"))

    def seen(self) -> dict[str, bytes]:
        """See `Store.seen`."""
        with _errors():
            return dict(self._db.execute("SELECT session, value FROM seen ORDER BY number"))

    def commit(self, batch: Batch) -> None:
        """See `Store.commit`."""
        with _errors(), self._transaction():
            if batch.forget:
                self._db.execute("DELETE FROM seen")
            self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", batch.state.items())
            self._db.executemany(
                "INSERT INTO seen (session, value) VALUES (?, ?)"
                " ON CONFLICT (session) DO UPDATE SET value = excluded.value",
                batch.seen.items(),
            )
            self._db.execute("DELETE FROM seen WHERE length(value) = 0")
            self._db.executemany(
                f"INSERT INTO audit ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own names
                ((*entry[:-1], orjson.dumps(entry.evidence).decode()) for entry in batch.audit),
            )

    def audit(self, *, after: int = 0, limit: int = 100) -> list[Logged]:
        """See `Store.audit`."""
        return self._logged("id > ? ORDER BY id", after, limit)

    def latest(self, *, before: int | None = None, limit: int = 100) -> list[Logged]:
        """See `Store.latest`."""
        return self._logged("id < ? ORDER BY id DESC", (1 << 62) if before is None else before, limit)

    def close(self) -> None:
        """See `Store.close`."""
        with _errors():
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _logged(self, where: str, number: int, limit: int) -> list[Logged]:
        with _errors():
            rows = self._db.execute(
                f"SELECT id, {_ENTRY} FROM audit WHERE {where} LIMIT ?",  # noqa: S608 - our own words
                (number, limit),
            )
            return [Logged(row[0], Entry._make((*row[1:-1], orjson.loads(row[-1])))) for row in rows]

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreError(f"was written by a newer Slipgauge (version {version}, this one knows {VERSION})")
        if version == 0:
            with self._transaction():
                for statement in SCHEMA.split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(str(error)) from error


def _made(path: Path) -> None:
    """Make the file where there is none, for its owner alone: it holds the salt of the session hash."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"unable to open it: {error.strerror}") from error


def _locked(path: Path) -> int:
    """A lock that no two processes hold at once, kept until it is closed."""
    try:
        lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot be made: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise InUseError("another Slipgauge uses it") from error
    return lock
