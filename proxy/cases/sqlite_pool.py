"""The pool in one SQLite file: see `schema` for how it lasts, `doors` for who comes in and who leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from analyzers.finding import Finding, Measurement
from cases.case import Case, CaseError, Judged, Label, Stratum, loads, stamp
from cases.estimate import precision, rates
from cases.filter import Filter, FilterError
from cases.pool import Access, Held, Kept, PoolError, Precision, Stats
from cases.sampling import Draw
from cases.strata import UNIFORM
from proxy.cases.doors import Bounds, Doors
from proxy.cases.find import query
from proxy.cases.schema import Database

MOST_ACCESSES = 10_000
"""Entries of the access log; the oldest go first."""
_THRESHOLD = "max(m.threshold, s.floor)"


class SqlitePool:
    """`path` is the file, made where there is none; in memory, and gone with the process, where it is None.

    Any thread may use it. Raises PoolError where the file is no pool or cannot be used.
    """

    def __init__(self, path: Path | None, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - it is frozen
        self._bounds = bounds
        self._file = Database(path)
        self._db = self._file.connection
        self._doors = Doors(self._db, bounds)

    def add(self, case: Case) -> Kept:
        """See `Pool.add`."""
        return self.add_all((case,))[0]

    def add_all(self, cases: Iterable[Case]) -> list[Kept]:
        """`add` for several, in one transaction. Raises PoolError, and then none of them is in it."""
        with self._file.writing():
            return [self._doors.add(case) for case in cases]

    def find(self, filter: Filter) -> list[Case]:  # noqa: A002 - see `Pool`
        """See `Pool.find`."""
        with self._file.reading():
            try:
                found = [pair_id for (pair_id,) in self._db.execute(*query(filter))]
            except FilterError as error:
                raise PoolError(str(error)) from error
            return [case for pair_id in found if (case := self._read(pair_id)) is not None]

    def get(self, pair_id: str) -> Case | None:
        """See `Pool.get`."""
        with self._file.reading():
            return self._read(pair_id)

    def amend(self, pair_id: str, findings: Iterable[Finding], measurements: Iterable[Measurement]) -> bool:
        """Add what analyzers found later that needed further requests; whether the case is kept, and lacked it.

        Raises PoolError.
        """
        with self._file.writing():
            case = self._read(pair_id)
            if case is None:
                return False
            known = {each.analyzer for each in case.findings} | {each.analyzer for each in case.measurements}
            found = tuple(each for each in findings if each.analyzer not in known)
            measured = tuple(each for each in measurements if each.analyzer not in known)
            if found or measured:
                findings, measurements = (*case.findings, *found), (*case.measurements, *measured)
                self._doors.amend(replace(case, findings=findings, measurements=measurements))
            return bool(found or measured)

    def label(self, pair_id: str, label: Label) -> Case | None:
        """See `Pool.label`."""
        with self._file.writing():
            if not self._one("SELECT 1 FROM cases WHERE pair_id = ?", pair_id):
                return None
            self._doors.label(pair_id, label)
            return self._read(pair_id)

    def erase(self, subject: str, by: str, at: str) -> int:
        """See `Pool.erase`. What is deleted is gone from the file and its log when this returns."""
        if not subject:
            return 0
        with self._file.writing():
            (count,) = self._one("SELECT count(*) FROM cases WHERE subject = ?", subject) or (0,)
            self._doors.delete("subject = ?", subject)
            self._db.execute("INSERT OR REPLACE INTO erasures VALUES (?, ?)", (subject, at))
            self._note(Access(at, by, "erase", f"{count} cases of {subject}"))
        with self._file.reading():
            busy, *_ = self._one("PRAGMA wal_checkpoint(TRUNCATE)") or (1,)
        if busy:
            raise PoolError(
                f"{count} cases are erased and no more of them comes in, but another process that reads keeps the "
                "log beside the file, which may still hold their bytes; erase again when it is done"
            )
        return int(count)

    def retire(self, now: datetime) -> int:
        """Delete what is older than may be; how many cases that were. Raises PoolError."""
        with self._file.writing():
            cutoff = stamp(now - timedelta(seconds=self._bounds.age))
            (count,) = self._one("SELECT count(*) FROM cases WHERE at < ?", cutoff) or (0,)
            self._doors.delete("at < ?", cutoff)
            self._db.execute("DELETE FROM erasures WHERE at < ?", (cutoff,))
            return int(count)

    def shrink(self) -> None:
        """Put out what is there beyond the bounds, which were wider when it came. Raises PoolError."""
        with self._file.writing():
            self._doors.shrink()

    def stats(self) -> Stats:
        """See `Pool.stats`."""
        with self._file.reading():
            cases, size = self._one("SELECT cases, bytes FROM totals") or (0, 0)
            told = self._one("SELECT min(at), max(at), coalesce(sum(duplicates), 0) FROM cases")
            oldest, newest, duplicates = told or (None, None, 0)
            strata = self._db.execute(
                "SELECT s.name, count(c.pair_id), s.members, "  # noqa: S608 - our own words
                f"coalesce(sum(max(1.0, {_THRESHOLD} / m.weight)), 0), s.floor "
                "FROM strata s LEFT JOIN members m ON m.stratum = s.name "
                "LEFT JOIN cases c ON c.pair_id = m.pair_id GROUP BY s.name ORDER BY s.name"
            )
            held = {name: Held(*rest) for name, *rest in strata}
            return Stats(cases, size, duplicates, oldest, newest, held, rates(self._uniform()), self._precision())

    def kept(self, pair_ids: Iterable[str]) -> frozenset[str]:
        """Which of these are still there. Raises PoolError."""
        with self._file.reading():
            return frozenset(
                pair_id for pair_id in pair_ids if self._one("SELECT 1 FROM cases WHERE pair_id = ?", pair_id)
            )

    def floors(self) -> Mapping[str, float]:
        """See `Pool.floors`."""
        with self._file.reading():
            return dict(self._db.execute("SELECT name, floor FROM strata WHERE floor > 0"))

    def note(self, access: Access) -> None:
        """Write down who has seen or changed what. Raises PoolError; then it must not be shown."""
        with self._file.writing():
            self._note(access)

    def accesses(self, *, before: int | None = None, limit: int = 100) -> list[tuple[int, Access]]:
        """The last entries of the access log, or the last ahead of number `before`, the newest first."""
        with self._file.reading():
            rows = self._db.execute(
                "SELECT id, at, by, action, what FROM accesses WHERE id < ? ORDER BY id DESC LIMIT ?",
                ((1 << 62) if before is None else before, limit),
            )
            return [(number, Access(*rest)) for number, *rest in rows]

    def close(self) -> None:
        """Give up the file. Raises PoolError."""
        with self._file.reading():
            self._db.close()

    def _note(self, access: Access) -> None:
        self._db.execute("INSERT INTO accesses (at, by, action, what) VALUES (?, ?, ?, ?)", access)
        self._db.execute("DELETE FROM accesses WHERE id <= (SELECT max(id) FROM accesses) - ?", (MOST_ACCESSES,))

    # being read

    def _read(self, pair_id: str) -> Case | None:
        found = self._one("SELECT body, duplicates FROM cases WHERE pair_id = ?", pair_id)
        if found is None:
            return None
        drawn = self._db.execute(
            f"SELECT m.stratum, m.weight, {_THRESHOLD} FROM members m JOIN strata s ON s.name = m.stratum "  # noqa: S608 - our own words
            "WHERE m.pair_id = ? ORDER BY m.stratum",
            (pair_id,),
        )
        said = self._db.execute(
            "SELECT judged, by, at, note, analyzer FROM labels WHERE pair_id = ? ORDER BY at, by, analyzer",
            (pair_id,),
        )
        strata = tuple(Stratum(name, Draw(*draw).probability) for name, *draw in drawn)
        labels = tuple(Label(Judged(judged), *rest) for judged, *rest in said)
        try:
            return replace(loads(found[0]), duplicates=found[1], strata=strata, labels=labels)
        except CaseError as error:
            raise PoolError(f"holds {error}: {pair_id}") from error

    def _uniform(self) -> list[tuple[Draw, list[tuple[str, float, float]]]]:
        rows = self._db.execute(
            f"SELECT m.weight, {_THRESHOLD}, m.failed FROM members m JOIN strata s ON s.name = m.stratum "  # noqa: S608 - our own words
            "WHERE m.stratum = ?",
            (UNIFORM,),
        )
        return [(Draw(weight, threshold), orjson.loads(told)) for weight, threshold, told in rows]

    def _precision(self) -> dict[str, Precision]:
        """A judgement of the pair as a whole counts for every analyzer by which an answer failed."""
        return precision(
            self._db.execute(
                "SELECT analyzer, judged FROM labels WHERE analyzer != '' UNION ALL "
                "SELECT f.analyzer, l.judged FROM labels l "
                "JOIN (SELECT DISTINCT pair_id, analyzer FROM failures) f USING (pair_id) WHERE l.analyzer = ''"
            )
        )

    def _one(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._db.execute(statement, values).fetchone()
        return found
