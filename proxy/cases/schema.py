"""The pool's file: how it is opened, and its tables.

WAL with `synchronous=NORMAL`: whatever happens, each transaction is there whole or not at all; the last ones may be
lost when the power fails, not when the process dies (https://sqlite.org/pragma.html#pragma_synchronous). What is
deleted is overwritten (`secure_delete`), and the file is for its owner alone. Several processes may have it open:
all that is known of the pool is in it, and each change is one immediate transaction.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cases.pool import PoolError

VERSION = 2
BUSY_TIMEOUT = 10.0
"""Seconds that one process waits for another's transaction."""
WAL_BYTES = 16 * 1024 * 1024
"""What the log beside the file is cut to."""
SCHEMA = """
CREATE TABLE cases (
  pair_id TEXT PRIMARY KEY, at TEXT NOT NULL, subject TEXT NOT NULL, divergence REAL NOT NULL,
  size INTEGER NOT NULL, duplicates INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX cases_at ON cases (at, pair_id);
CREATE INDEX cases_divergence ON cases (divergence, pair_id);
CREATE INDEX cases_subject ON cases (subject);
CREATE TABLE strata (name TEXT PRIMARY KEY, floor REAL NOT NULL DEFAULT 0, members INTEGER NOT NULL DEFAULT 0)
  WITHOUT ROWID;
CREATE TABLE members (
  stratum TEXT NOT NULL REFERENCES strata, pair_id TEXT NOT NULL, rank REAL NOT NULL, weight REAL NOT NULL,
  threshold REAL NOT NULL, at TEXT NOT NULL, subject TEXT NOT NULL, failed TEXT NOT NULL,
  holder TEXT REFERENCES cases ON DELETE SET NULL,
  PRIMARY KEY (stratum, pair_id)
) WITHOUT ROWID;
CREATE INDEX members_rank ON members (stratum, rank);
CREATE INDEX members_holder ON members (holder);
CREATE INDEX members_pair ON members (pair_id);
CREATE INDEX members_at ON members (at);
CREATE INDEX members_subject ON members (subject);
CREATE TABLE failures (
  pair_id TEXT NOT NULL REFERENCES cases ON DELETE CASCADE, analyzer TEXT NOT NULL, variable TEXT NOT NULL,
  label TEXT NOT NULL, PRIMARY KEY (pair_id, analyzer, variable, label)
) WITHOUT ROWID;
CREATE TABLE segments (
  pair_id TEXT NOT NULL REFERENCES cases ON DELETE CASCADE, segment TEXT NOT NULL, PRIMARY KEY (pair_id, segment)
) WITHOUT ROWID;
CREATE TABLE sketches (
  hash INTEGER NOT NULL, pair_id TEXT NOT NULL REFERENCES cases ON DELETE CASCADE, PRIMARY KEY (hash, pair_id)
) WITHOUT ROWID;
CREATE INDEX sketches_pair ON sketches (pair_id);
CREATE TABLE prompts (
  pair_id TEXT PRIMARY KEY REFERENCES cases ON DELETE CASCADE, sketch TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE labels (
  pair_id TEXT NOT NULL REFERENCES cases ON DELETE CASCADE, by TEXT NOT NULL, analyzer TEXT NOT NULL,
  judged TEXT NOT NULL, at TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (pair_id, by, analyzer)
) WITHOUT ROWID;
CREATE TABLE accesses (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL, what TEXT NOT NULL
);
CREATE TABLE erasures (subject TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE totals (cases INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0);
CREATE TRIGGER case_comes AFTER INSERT ON cases
  BEGIN UPDATE totals SET cases = cases + 1, bytes = bytes + NEW.size; END;
CREATE TRIGGER case_goes AFTER DELETE ON cases
  BEGIN UPDATE totals SET cases = cases - 1, bytes = bytes - OLD.size; END;
CREATE TRIGGER case_changes AFTER UPDATE OF size ON cases
  BEGIN UPDATE totals SET bytes = bytes + NEW.size - OLD.size; END;
CREATE TRIGGER member_comes AFTER INSERT ON members
  BEGIN UPDATE strata SET members = members + 1 WHERE name = NEW.stratum; END;
CREATE TRIGGER member_goes AFTER DELETE ON members
  BEGIN UPDATE strata SET members = members - 1 WHERE name = OLD.stratum; END;
"""


def connect(path: Path | None) -> sqlite3.Connection:
    """The open database, its tables made where there are none; in memory where `path` is None. Raises PoolError."""
    with errors():
        if path is not None:
            _make(path)
        db = sqlite3.connect(
            path or ":memory:", timeout=BUSY_TIMEOUT, check_same_thread=False, isolation_level=None
        )
    try:
        with errors():
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA foreign_keys = ON")
            _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


class Database:
    """The open file. May be used from several threads: one at a time is let in.

    Raises PoolError where the file is no pool or cannot be used; so do `reading` and `writing`.
    """

    def __init__(self, path: Path | None) -> None:
        self.connection = connect(path)
        self._lock = threading.RLock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Alone with the connection."""
        with self._lock, errors():
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All of it or nothing, with nobody else writing meanwhile."""
        with self.reading(), transaction(self.connection):
            yield


@contextmanager
def errors() -> Iterator[None]:
    """SQLite's and the system's errors as PoolError."""
    try:
        yield
    except sqlite3.Error as error:
        raise PoolError(str(error)) from error
    except OSError as error:
        raise PoolError(error.strerror or "cannot be opened") from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, with no other process writing meanwhile. Raises sqlite3.Error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _make(path: Path) -> None:
    """The file, for its owner alone: the log and the index beside it get the same mode from SQLite."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _prepare(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise PoolError(f"was written by a newer Slipgauge (version {version}, this one knows {VERSION})")
    if version == VERSION:
        return
    with transaction(db):
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == VERSION:  # another process was first
            return
        if version == 1:
            db.execute("CREATE TABLE erasures (subject TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID")
            db.execute(f"PRAGMA user_version = {VERSION}")
            return
        (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables:
            raise PoolError("is a database of something else; name another file")
        for statement in _statements():
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")


def _statements() -> Iterator[str]:
    read = ""
    for line in SCHEMA.splitlines(keepends=True):
        read += line
        if sqlite3.complete_statement(read):
            yield read
            read = ""
