"""Who comes into the pool and who leaves it, within a transaction of the caller's; `cases.sampling` says why.

A pair that is much like a kept one of the same stratum is counted on that one. In `uniform` it stays a member, as
rates are estimated from it, and only its words are not kept a second time. A case is deleted with the last
membership that holds it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from cases.case import Case, Label, dumps
from cases.divergence import divergence
from cases.estimate import failed
from cases.filter import failures
from cases.pool import Kept, PoolError
from cases.sampling import Draw, gate, lowered, rank
from cases.sketch import ALIKE, KEYS, Sketch, likeness, sketch
from cases.strata import UNIFORM, places
from proxy.config_cases import Cases

LARGEST = 16
"""A case may take one part in so many of all bytes, so that none puts out the whole pool."""
MOST_SHARING = 1_000
"""Hashes shared with kept cases that are looked up."""
MOST_LOOKED_AT = 50
"""Cases that a new one is compared with: those that share most of them."""
_MEMBER = "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Bounds(NamedTuple):
    """How much is kept."""

    uniform: int = 1_000
    stratum: int = 100
    """Pairs in `uniform`, and in each other stratum."""
    cases: int = 5_000
    bytes: int = 256 * 1024 * 1024
    age: float = 30 * 86_400.0
    """Seconds after which a case is deleted."""

    def of(self, stratum: str) -> int:
        """The places of a stratum."""
        return self.uniform if stratum == UNIFORM else self.stratum


def bounds_of(cases: Cases) -> Bounds:
    """How much a configuration has kept."""
    return Bounds(cases.uniform, cases.stratum, cases.count, cases.bytes, cases.age)


class _Join(NamedTuple):
    """A stratum that a case comes into."""

    stratum: str
    rank: float
    draw: Draw


class Doors:
    """The doors of one database. Raises sqlite3.Error, and PoolError where its tables do not agree."""

    def __init__(self, db: sqlite3.Connection, bounds: Bounds) -> None:
        self._db = db
        self._bounds = bounds

    def add(self, case: Case) -> Kept:
        """See `Pool.add`."""
        if self._one("SELECT 1 FROM members WHERE pair_id = ?", case.pair_id):
            return Kept.KNOWN
        if self._one("SELECT 1 FROM erasures WHERE subject = ? AND at >= ?", case.subject, case.at):
            return Kept.ERASED
        body = dumps(replace(case, strata=(), labels=(), duplicates=0))
        if len(body) * LARGEST > self._bounds.bytes or not (joins := self._joins(case)):
            return Kept.OUTRANKED
        drawn = sketch(case.request) if case.texts else ()
        alike = self._alike(drawn)
        own = [join for join in joins if join.stratum == UNIFORM or not self._first(alike, join.stratum)]
        holder = self._first(alike) if not any(join.stratum != UNIFORM for join in own) else None
        if holder or len(own) < len(joins):
            first = holder or next(filter(None, (self._first(alike, join.stratum) for join in joins)))
            self._db.execute("UPDATE cases SET duplicates = duplicates + 1 WHERE pair_id = ?", (first,))
        if holder is None:
            self._insert(case, body, drawn)
        for join in own:
            self._join(case, join, holder or case.pair_id)
        self._keep_within_bounds()
        if holder is not None:
            return Kept.DUPLICATE
        return Kept.KEPT if self._one("SELECT 1 FROM cases WHERE pair_id = ?", case.pair_id) else Kept.OUTRANKED

    def _joins(self, case: Case) -> list[_Join]:
        """Where its rank brings it in. A full stratum's least rank, once turned away, is its floor."""
        passed = {each.name: each.probability for each in case.strata}
        found = []
        for stratum, weight in places(case.findings, case.measurements):
            if passed and stratum not in passed:
                continue
            own = rank(case.pair_id, stratum, weight)
            known = self._one("SELECT floor, members FROM strata WHERE name = ?", stratum)
            if known is None:
                self._db.execute("INSERT INTO strata (name) VALUES (?)", (stratum,))
            floor, members = known or (0.0, 0)
            threshold = max(floor, gate(weight, passed.get(stratum, 1.0)))
            if own <= threshold:
                continue
            if members >= self._bounds.of(stratum) and own < self._least(stratum)[0]:
                self._raise_floor(stratum, own)
            else:
                found.append(_Join(stratum, own, Draw(weight, threshold)))
        return found

    def _alike(self, drawn: Sketch) -> list[str]:
        """Kept cases whose prompts are near-duplicates, the likest first."""
        if not drawn:
            return []
        marks = ", ".join("?" * len(drawn[:KEYS]))
        sharing = f"SELECT pair_id FROM sketches WHERE hash IN ({marks}) LIMIT ?"  # noqa: S608 - question marks
        rows = self._db.execute(
            f"SELECT p.pair_id, p.sketch FROM ({sharing}) JOIN prompts p USING (pair_id) "  # noqa: S608 - as above
            "GROUP BY p.pair_id ORDER BY count(*) DESC LIMIT ?",
            (*drawn[:KEYS], MOST_SHARING, MOST_LOOKED_AT),
        )
        found = [(likeness(drawn, tuple(orjson.loads(other))), pair_id) for pair_id, other in rows]
        return [pair_id for alike, pair_id in sorted(found, reverse=True) if alike >= ALIKE]

    def _first(self, alike: Sequence[str], stratum: str | None = None) -> str | None:
        """The likest, or the likest in a stratum; None where there is none."""
        for pair_id in alike:
            if stratum is None or self._one(
                "SELECT 1 FROM members WHERE stratum = ? AND pair_id = ?", stratum, pair_id
            ):
                return pair_id
        return None

    def _insert(self, case: Case, body: bytes, drawn: Sketch) -> None:
        apart = round(divergence(case.measurements), 6)
        self._db.execute(
            "INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?)",
            (case.pair_id, case.at, case.subject, apart, len(body), case.duplicates, body),
        )
        self._many("INSERT OR IGNORE INTO failures VALUES (?, ?, ?, ?)", case, failures(case))
        self._many("INSERT OR IGNORE INTO segments VALUES (?, ?)", case, ((each,) for each in case.segments))
        if drawn:
            self._db.execute("INSERT INTO prompts VALUES (?, ?)", (case.pair_id, orjson.dumps(drawn).decode()))
            self._db.executemany(
                "INSERT INTO sketches VALUES (?, ?)", ((each, case.pair_id) for each in drawn[:KEYS])
            )
        for label in case.labels:
            self.label(case.pair_id, label)

    def _join(self, case: Case, join: _Join, holder: str) -> None:
        told = orjson.dumps(failed(case.findings)).decode() if join.stratum == UNIFORM else "[]"
        member = (join.stratum, case.pair_id, join.rank, *join.draw, case.at, case.subject, told, holder)
        self._db.execute(_MEMBER, member)
        (members,) = self._one("SELECT members FROM strata WHERE name = ?", join.stratum) or (0,)
        if members > self._bounds.of(join.stratum):
            self._put_out(join.stratum)

    def amend(self, case: Case) -> None:
        """Have a kept case say this from now on; its strata stay."""
        body = dumps(replace(case, strata=(), labels=(), duplicates=0))
        self._db.execute(
            "UPDATE cases SET divergence = ?, size = ?, body = ? WHERE pair_id = ?",
            (round(divergence(case.measurements), 6), len(body), body, case.pair_id),
        )
        self._many("INSERT OR IGNORE INTO failures VALUES (?, ?, ?, ?)", case, failures(case))

    def label(self, pair_id: str, label: Label) -> None:
        """Note a label of a kept case, in place of an earlier one."""
        self._db.execute(
            "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?)",
            (pair_id, label.by, label.analyzer, label.judged, label.at, label.note),
        )

    # going out

    def shrink(self) -> None:
        """Put out what is there beyond the bounds, which were wider when it came."""
        for stratum, members in self._db.execute("SELECT name, members FROM strata").fetchall():
            for _ in range(members - self._bounds.of(stratum)):
                self._put_out(stratum)
        self._keep_within_bounds()

    def _keep_within_bounds(self) -> None:
        """Put out the least of the largest stratum until there is room."""
        while True:
            cases, size = self._one("SELECT cases, bytes FROM totals") or (0, 0)
            if cases <= self._bounds.cases and size <= self._bounds.bytes:
                return
            (stratum,) = self._one("SELECT name FROM strata ORDER BY members DESC, name LIMIT 1") or ("",)
            self._put_out(stratum)

    def _least(self, stratum: str) -> tuple[float, str, str | None]:
        found = self._one(
            "SELECT rank, pair_id, holder FROM members WHERE stratum = ? ORDER BY rank, pair_id LIMIT 1", stratum
        )
        if found is None:
            raise PoolError(f"its counts do not agree: nothing is in {stratum}")
        return found[0], found[1], found[2]

    def _put_out(self, stratum: str) -> None:
        """The least rank leaves; whoever stays has outranked it."""
        own, pair_id, holder = self._least(stratum)
        self._db.execute("DELETE FROM members WHERE stratum = ? AND pair_id = ?", (stratum, pair_id))
        self._raise_floor(stratum, own)
        if holder is not None:
            self._db.execute(
                "DELETE FROM cases WHERE pair_id = ? AND NOT EXISTS (SELECT 1 FROM members WHERE holder = ?)",
                (holder, holder),
            )

    def _raise_floor(self, stratum: str, to: float) -> None:
        self._db.execute("UPDATE strata SET floor = max(floor, ?) WHERE name = ?", (to, stratum))

    def delete(self, which: str, value: str) -> None:
        """Delete the cases and memberships of which this holds, whatever their ranks, and let others in."""
        gone = self._db.execute(f"SELECT stratum, count(*) FROM members WHERE {which} GROUP BY stratum", (value,))  # noqa: S608 - our own words
        for stratum, _ in gone.fetchall():
            self._db.execute(
                "UPDATE members SET threshold = max(threshold, (SELECT floor FROM strata WHERE name = stratum)) "
                "WHERE stratum = ?",
                (stratum,),
            )
            self._db.execute(f"DELETE FROM members WHERE stratum = ? AND {which}", (stratum, value))  # noqa: S608 - as above
            floor, members = self._one("SELECT floor, members FROM strata WHERE name = ?", stratum) or (0.0, 0)
            sunk = lowered(floor, members, self._bounds.of(stratum))
            self._db.execute("UPDATE strata SET floor = ? WHERE name = ?", (sunk, stratum))
        self._db.execute(f"DELETE FROM cases WHERE {which}", (value,))  # noqa: S608 - as above
        self._db.execute("DELETE FROM cases WHERE pair_id NOT IN (SELECT holder FROM members WHERE holder NOTNULL)")

    def _many(self, statement: str, case: Case, rows: Iterable[tuple[str, ...]]) -> None:
        self._db.executemany(statement, ((case.pair_id, *row) for row in rows))

    def _one(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._db.execute(statement, values).fetchone()
        return found
