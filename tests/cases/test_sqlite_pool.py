from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzers.finding import Measurement
from cases.case import Judged, Label, Stratum, stamp
from cases.filter import Filter, Order, cursor
from cases.pool import Access, Kept, PoolError
from cases.sampling import rank
from proxy.cases.doors import Bounds
from proxy.cases.sqlite_pool import MOST_ACCESSES, SqlitePool
from tests.cases.made import AT, case, finding

SLIP = finding("math.checked", baseline=False, candidate=True)
BOTH = finding("json.prompted", baseline=True, candidate=True)


@pytest.fixture
def pool() -> Iterator[SqlitePool]:
    with closing(SqlitePool(None)) as made:
        yield made


def names(pool: SqlitePool, wanted: Filter = Filter()) -> list[str]:  # noqa: B008 - it is frozen
    return [found.pair_id for found in pool.find(wanted)]


def test_a_case_comes_back_with_its_strata_and_labels(pool: SqlitePool) -> None:
    given = case("p1", SLIP, distance=0.5)
    label = Label(Judged.SLIP, "ada", "t", "off by one", "math.checked")

    assert pool.add(given) is Kept.KEPT
    assert pool.label("p1", label) == pool.get("p1")
    strata = tuple(Stratum(name, 1.0) for name in ("divergent", "math.checked:wrong", "uniform"))
    assert pool.get("p1") == replace(given, strata=strata, labels=(label,))
    assert pool.get("p2") is None
    assert pool.label("p2", label) is None
    assert pool.add(given) is Kept.KNOWN


def test_what_is_found_later_is_added_once_and_found_by(pool: SqlitePool) -> None:
    pool.add(case("p1", SLIP, distance=0.5))
    later = (finding("json.prompted", baseline=False, candidate=True),)
    measured = (Measurement("token_divergence", "1", (0.1, 0.2, 0.75, 0.3, 1.0)),)

    assert pool.amend("p1", later, measured)
    assert not pool.amend("p1", later, measured)
    assert not pool.amend("p2", later, measured)
    (found,) = pool.find(Filter(variable="json.prompted", order=Order.DIVERGENT))
    assert (len(found.findings), len(found.measurements)) == (2, 2)
    assert pool.find(Filter(order=Order.DIVERGENT, before="0.750000~p1")) == []
    assert pool.stats().bytes == pool._db.execute("SELECT sum(length(body)) FROM cases").fetchone()[0]


def test_a_reviewers_later_label_replaces_the_earlier_one(pool: SqlitePool) -> None:
    pool.add(case("p1", SLIP))
    pool.label("p1", Label(Judged.SLIP, "ada", "1"))
    pool.label("p1", Label(Judged.NOISE, "bob", "2"))
    pool.label("p1", Label(Judged.ANALYZER_WRONG, "ada", "3"))

    found = pool.get("p1")
    assert found is not None
    assert [(label.by, label.judged) for label in found.labels] == [("bob", "noise"), ("ada", "analyzer_wrong")]
    assert pool.stats().precision["math.checked"] == (0, 2)


def test_of_each_stratum_the_greatest_ranks_stay_and_their_probability_is_known() -> None:
    ids = [f"p{number}" for number in range(200)]
    with closing(SqlitePool(None, Bounds(uniform=10, stratum=5))) as pool:
        for pair_id in ids:
            pool.add(case(pair_id, SLIP))
        uniform = sorted((rank(pair_id, "uniform", 1.0) for pair_id in ids), reverse=True)
        slips = sorted((rank(pair_id, "math.checked:wrong", 4.0) for pair_id in ids), reverse=True)

        assert sorted(names(pool, Filter(stratum="uniform"))) == sorted(
            pair_id for pair_id in ids if rank(pair_id, "uniform", 1.0) >= uniform[9]
        )
        assert pool.floors() == {"uniform": uniform[10], "math.checked:wrong": slips[5]}
        assert {
            stratum.probability
            for found in pool.find(Filter())
            for stratum in found.strata
            if stratum.name == "uniform"
        } == {1 / uniform[10]}
        assert pool.stats().cases == len(pool.find(Filter()))
        assert pool.stats().strata["uniform"].pairs == pytest.approx(10 * uniform[10])


def test_what_a_worker_has_held_back_counts_in_the_probability(pool: SqlitePool) -> None:
    """A worker knew a floor of 2: this pair's rank was above it by a chance of a half."""
    pair_id = next(f"p{number}" for number in range(99) if rank(f"p{number}", "uniform", 1.0) > 2)

    pool.add(case(pair_id, SLIP, strata=(Stratum("uniform", 0.5),)))

    found = pool.get(pair_id)
    assert found is not None
    assert found.strata == (Stratum("uniform", 0.5),)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), ["p3", "p2", "p1"]),
        (Filter(limit=1), ["p3"]),
        (Filter(order=Order.DIVERGENT), ["p1", "p3", "p2"]),
        (Filter(analyzer="math.checked"), ["p2", "p1"]),
        (Filter(analyzer="json", label="wrong"), ["p2"]),
        (Filter(analyzer="json", variable="math.checked"), []),
        (Filter(segment="streaming=no", variable="json.prompted"), ["p2"]),
        (Filter(segment="streaming=yes"), []),
        (Filter(stratum="divergent"), ["p3", "p1"]),
        (Filter(judged="slip"), ["p1"]),
        (Filter(judged="none"), ["p3", "p2"]),
        (Filter(label="'; DROP TABLE cases; --"), []),
    ],
)
def test_cases_are_found_by_what_is_asked(pool: SqlitePool, wanted: Filter, expected: list[str]) -> None:
    pool.add(case("p1", SLIP, distance=0.9, at="2026-01-01T00:00:00.000Z"))
    pool.add(case("p2", SLIP, BOTH, at="2026-01-02T00:00:00.000Z"))
    pool.add(case("p3", distance=0.1, at="2026-01-03T00:00:00.000Z"))
    pool.label("p1", Label(Judged.SLIP, "ada", "t"))

    assert names(pool, wanted) == expected
    assert [found.pair_id for found in pool.find(Filter(limit=99)) if wanted.holds(found)] == [
        pair_id for pair_id in ("p3", "p2", "p1") if pair_id in expected
    ] or wanted.limit == 1


@pytest.mark.parametrize("order", list(Order))
def test_page_after_page_shows_every_case_once(pool: SqlitePool, order: Order) -> None:
    for number in range(23):
        pool.add(case(f"p{number}", distance=number % 4 / 10))
    seen, at = list[str](), None
    while page := pool.find(Filter(order=order, limit=5, before=at)):
        seen += [found.pair_id for found in page]
        at = cursor(page[-1], order)

    assert len(seen) == len(set(seen)) == 23


def test_a_cursor_that_is_none_is_refused_in_words(pool: SqlitePool) -> None:
    with pytest.raises(PoolError, match="cursor"):
        pool.find(Filter(order=Order.DIVERGENT, before="soon~p1"))


def test_a_near_duplicate_is_counted_on_the_first_and_its_words_are_not_kept(pool: SqlitePool) -> None:
    said = (
        "Please tell me how far it is from the earth to the moon, in kilometres and in miles, thank you very much"
    )
    pool.add(case("p1", SLIP, prompt=said))

    assert pool.add(case("p2", SLIP, prompt=said.upper())) is Kept.DUPLICATE
    assert names(pool) == ["p1"]
    found = pool.get("p1")
    assert found is not None
    assert found.duplicates == 1
    held = pool.stats().strata
    assert (held["uniform"].cases, held["uniform"].members) == (1, 2)
    assert held["math.checked:wrong"].members == 1
    assert pool.stats().rates["math.checked"] == (2.0, 0.0, 1.0)


def test_a_near_duplicate_that_fails_where_the_first_did_not_is_kept(pool: SqlitePool) -> None:
    said = "How far is it from the earth to the moon?"
    pool.add(case("p1", prompt=said))

    assert pool.add(case("p2", SLIP, prompt=said)) is Kept.KEPT
    assert sorted(names(pool)) == ["p1", "p2"]


def test_cases_without_texts_are_no_duplicates_of_each_other(pool: SqlitePool) -> None:
    pool.add(replace(case("p1", prompt=""), texts=False))

    assert pool.add(replace(case("p2", prompt=""), texts=False)) is Kept.KEPT


def test_a_client_is_erased_with_all_that_was_kept_of_it_and_others_are_not(tmp_path: Path) -> None:
    secret, said = "xylophone-7391", "Tell me all about the instrument that I spoke of yesterday, please"
    with closing(SqlitePool(tmp_path / "pool.db")) as pool:
        pool.add(case("p1", SLIP, prompt=f"{said} {secret}", subject="them"))
        pool.add(case("p2", SLIP, subject="us"))
        pool.add(case("p3", prompt=f"{said} {secret}", subject="us"))

        assert pool.erase("them", "cli:ada", AT) == 1
        assert pool.erase("them", "cli:ada", AT) == 0
        assert pool.erase("", "cli:ada", AT) == 0
        assert names(pool) == ["p2"]
        assert pool.stats().strata["uniform"].members == 2, "p3 still counts, though its words were those of p1"
        for file in tmp_path.iterdir():
            assert secret.encode() not in file.read_bytes(), f"it is still in {file.name}"


def test_what_is_too_old_goes_and_makes_room_for_newer_cases() -> None:
    now = datetime(2026, 2, 1, tzinfo=UTC)
    with closing(SqlitePool(None, Bounds(uniform=20, age=86_400.0))) as pool:
        for number in range(200):
            pool.add(case(f"old{number}", at=stamp(now - timedelta(days=1.5))))
        for number in range(10):
            pool.add(case(f"new{number}", at=stamp(now)))
        before = pool.floors()["uniform"]
        newer = len([each for each in names(pool) if each.startswith("new")])

        assert pool.retire(now) == 20 - newer
        assert len(names(pool)) == newer
        assert pool.floors()["uniform"] == pytest.approx(before * newer / 20)


def test_it_never_holds_more_than_it_may() -> None:
    bounds = Bounds(uniform=1_000, stratum=1_000, cases=30, bytes=200_000)
    with closing(SqlitePool(None, bounds)) as pool:
        for number in range(60):
            pool.add(case(f"p{number}", SLIP, answer="x" * (number * 200)))
            assert pool.stats().cases <= bounds.cases
            assert pool.stats().bytes <= bounds.bytes
        assert pool.stats().bytes > bounds.bytes / 2
        assert pool.add(case("huge", SLIP, answer="x" * 200_000)) is Kept.OUTRANKED
        assert pool.stats().cases == len(names(pool, Filter(limit=99)))


def test_narrower_bounds_hold_from_the_next_start_on(tmp_path: Path) -> None:
    with closing(SqlitePool(tmp_path / "pool.db")) as pool:
        for number in range(30):
            pool.add(case(f"p{number}", SLIP))
    with closing(SqlitePool(tmp_path / "pool.db", Bounds(uniform=9, stratum=3, cases=12))) as pool:
        assert pool.stats().cases == 30, "a command that only looks changes nothing"
        pool.shrink()
        assert {name: held.members for name, held in pool.stats().strata.items()} == {
            "uniform": 9,
            "math.checked:wrong": 3,
        }
        assert pool.stats().cases <= 12


def test_the_file_is_for_its_owner_alone_and_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "pool.db"
    path.touch(0o644)
    with closing(SqlitePool(path)) as pool:
        pool.add(case("p1", SLIP))
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(SqlitePool(path)) as pool:
        assert names(pool) == ["p1"]


def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    with closing(SqlitePool(tmp_path / "pool.db")) as one, closing(SqlitePool(tmp_path / "pool.db")) as other:
        one.add(case("p1", SLIP))
        other.label("p1", Label(Judged.SLIP, "ada", "t"))
        other.add(case("p2", SLIP))
        found = one.get("p1")

        assert found is not None
        assert len(found.labels) == 1
        assert one.erase("s", "test", AT) == 2
        assert other.stats().cases == 0


def test_what_an_erased_client_had_asked_comes_in_no_more_and_what_it_asks_later_does(pool: SqlitePool) -> None:
    before, after = "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.001Z"
    pool.erase("them", "cli:ada", before)

    assert pool.add(case("p1", SLIP, subject="them", at=before)) is Kept.ERASED
    assert pool.add(case("p2", SLIP, subject="us", at=before)) is Kept.KEPT
    assert pool.add(case("p3", SLIP, subject="them", at=after)) is Kept.KEPT
    assert names(pool) == ["p3", "p2"]

    pool.retire(datetime.fromisoformat(before) + timedelta(seconds=Bounds().age + 1))
    assert pool._one("SELECT count(*) FROM erasures") == (0,)


def test_an_erasure_beside_a_process_that_reads_is_noted_and_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.cases.schema.BUSY_TIMEOUT", 0.01)
    with closing(SqlitePool(tmp_path / "pool.db")) as pool, closing(sqlite3.connect(tmp_path / "pool.db")) as other:
        pool.add(case("p1", SLIP))
        other.execute("BEGIN")
        other.execute("SELECT * FROM cases").fetchone()

        with pytest.raises(PoolError, match=r"^1 cases are erased and no more of them comes in, but another"):
            pool.erase("s", "cli:ada", AT)

        assert [each[2:] for _, each in pool.accesses()] == [("erase", "1 cases of s")]
        assert pool.add(case("p2", SLIP)) is Kept.ERASED
        other.execute("COMMIT")
        assert pool.erase("s", "cli:ada", AT) == 0


def test_a_pool_of_the_first_version_is_brought_up_to_this_one(tmp_path: Path) -> None:
    path = tmp_path / "pool.db"
    with closing(SqlitePool(path)) as pool:
        pool.add(case("p1", SLIP))
        pool._db.execute("DROP TABLE erasures")
        pool._db.execute("PRAGMA user_version = 1")
    with closing(SqlitePool(path)) as pool:
        assert names(pool) == ["p1"]
        assert pool.erase("s", "cli:ada", AT) == 1


def test_a_file_that_is_no_pool_is_refused_in_words(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "newer.db")) as db:
        db.execute("PRAGMA user_version = 99")
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE sheep (wool INTEGER)")
    (tmp_path / "text.db").write_text("not a database " * 100)

    for name, why in [
        ("newer.db", "newer Slipgauge"),
        ("other.db", "something else"),
        ("text.db", "not a database"),
        ("none/pool.db", "No such file"),
    ]:
        with pytest.raises(PoolError, match=why):
            SqlitePool(tmp_path / name)


def test_of_the_access_log_the_last_entries_stay(pool: SqlitePool) -> None:
    for number in range(3):
        pool.note(Access(AT, "viewer", "read", f"case {number}"))

    assert [entry.what for _, entry in pool.accesses(limit=2)] == ["case 2", "case 1"]
    (last, _), *_ = pool.accesses()
    assert [entry.what for _, entry in pool.accesses(before=last)] == ["case 1", "case 0"]

    pool._db.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'accesses'", (MOST_ACCESSES - 2,))
    pool.note(Access(AT, "viewer", "read", "much later"))
    assert [entry.what for _, entry in pool.accesses()] == ["much later", "case 2"]
