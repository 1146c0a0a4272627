from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import time_ns

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from cases import case as case_form
from cases.case import Judged, Label, stamp
from cases.filter import Filter
from proxy.cases.doors import Bounds
from proxy.cases.keeper import CaseKeeper, NoPoolError, open_pool
from proxy.cases.sqlite_pool import SqlitePool
from proxy.config_cases import Cases
from proxy.offer import Offer
from proxy.report import Report
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from tests.cases.made import case, finding

SLIP = finding("math.checked", baseline=False, candidate=True)
ACCEPT = "application/openmetrics-text; version=1.0.0"


def offer(pair_id: str, body: bytes | None = None) -> Offer:
    report = Report(pair_id, "k", 1.0, "baseline", "paired", {}, {}, (SLIP,), arrival=time_ns())
    return Offer(report, "a" * 32, case_form.dumps(case(pair_id)) if body is None else body)


class Kept:
    """A keeper, and what it has told of floors."""

    def __init__(self, pool: SqlitePool | None, queue_bytes: int = 1 << 20) -> None:
        self.telemetry = Telemetry()
        self.told: list[Mapping[str, float]] = []
        self.heard = asyncio.Event()
        self.keeper = CaseKeeper(
            pool, "none here", self.telemetry, self._tell, revision="1", queue_bytes=queue_bytes
        )

    def _tell(self, floors: Mapping[str, float]) -> None:
        self.told.append(floors)
        self.heard.set()

    def count(self, result: str) -> float:
        return self.telemetry.registry.get_sample_value("slipgauge_case_offers_total", {"result": result}) or 0.0

    async def until(self, result: str, count: int) -> None:
        while self.count(result) != count:  # noqa: ASYNC110 - metrics tell nobody when they change
            await asyncio.sleep(0.001)


@asynccontextmanager
async def keeping(pool: SqlitePool | None, queue_bytes: int = 1 << 20) -> AsyncIterator[Kept]:
    kept = Kept(pool, queue_bytes)
    running = spawn(kept.keeper.run(), name="cases")
    try:
        yield kept
    finally:
        await cancel(running)
        await kept.keeper.stop()


async def test_what_is_offered_is_kept_by_the_time_somebody_asks() -> None:
    async with keeping(SqlitePool(None)) as kept:
        assert all(kept.keeper.offer(offer(f"p{number}")) for number in range(100))
        await kept.keeper.stop()

    assert kept.count("kept") == 100


async def test_floors_are_told_once_a_stratum_is_full() -> None:
    async with keeping(SqlitePool(None, Bounds(uniform=5, stratum=3))) as kept:
        for number in range(30):
            kept.keeper.offer(offer(f"p{number}"))
        await kept.heard.wait()

        assert kept.told[-1].keys() == {"uniform", "math.checked:wrong"}


async def test_what_finds_no_room_is_dropped_and_counted() -> None:
    async with keeping(SqlitePool(None), queue_bytes=3_000) as kept:
        taken = [kept.keeper.offer(offer(f"p{number}")) for number in range(10)]

        assert taken.count(False) == kept.count("dropped_queue") > 0


async def test_what_is_no_case_is_dropped_and_counted() -> None:
    async with keeping(SqlitePool(None)) as kept:
        for body in (b"", b"{}", b"\x00" * 500, case_form.dumps(case("p2")).replace(b'"messages"', b'"mess')):
            kept.keeper.offer(offer("p1", body))
        kept.keeper.offer(offer("p3"))
        await kept.keeper.stop()

    assert kept.count("dropped_invalid") == 4
    assert kept.count("kept") == 1


async def test_a_pool_that_cannot_be_written_loses_cases_and_nothing_else() -> None:
    pool = SqlitePool(None)
    pool._db.execute("PRAGMA query_only = ON")
    async with keeping(pool) as kept:
        kept.keeper.offer(offer("p1"))
        await kept.until("dropped_pool", 1)
        pool._db.execute("PRAGMA query_only = OFF")
        kept.keeper.offer(offer("p2"))
        await kept.until("kept", 1)
        assert [found.pair_id for found in await kept.keeper.ask(lambda pool: pool.find(Filter()))] == ["p2"]


async def test_where_there_is_no_pool_that_is_said() -> None:
    async with keeping(None) as kept:
        assert not kept.keeper.offer(offer("p1"))
        with pytest.raises(NoPoolError, match="none here"):
            await kept.keeper.ask(lambda pool: pool.stats())
        assert kept.count("dropped_pool") == 1


def test_a_file_that_cannot_be_used_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "cases.db").write_text("not a database" * 99)

    assert open_pool(Cases())[1] == "no cases are kept; name a file in cases.path"
    pool, why = open_pool(Cases(path=str(tmp_path / "cases.db")))
    assert pool is None
    assert "not a database" in why


async def test_a_kept_case_is_the_exemplar_of_its_findings_until_it_is_gone() -> None:
    async with keeping(SqlitePool(None)) as kept:
        cell = kept.telemetry.findings.labels("math.checked", "pass", "fail")
        cell.inc()
        kept.keeper.offer(offer("p1"))
        await kept.until("kept", 1)
        assert exemplars(kept.telemetry) == [{"pair_id": "p1"}]

        await kept.keeper.ask(lambda pool: pool.erase("a" * 32, "test", stamp(datetime.now(UTC))))
        kept.keeper._looked = float("-inf")
        while exemplars(kept.telemetry):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
    plain = choose_encoder("")[0](kept.telemetry.registry)
    assert b"pair_id" not in plain


async def test_what_reviewers_say_is_each_analyzers_precision() -> None:
    async with keeping(SqlitePool(None)) as kept:
        said = (Judged.SLIP, Judged.SLIP, Judged.ANALYZER_WRONG, Judged.NOISE)
        for number in range(len(said)):
            kept.keeper.offer(offer(f"p{number}"))
        await kept.until("kept", len(said))
        for number, judged in enumerate(said):
            label = Label(judged, "ada", "t")
            await kept.keeper.ask(partial(SqlitePool.label, pair_id=f"p{number}", label=label))
        kept.keeper._looked = float("-inf")
        value = kept.telemetry.registry.get_sample_value
        while value("slipgauge_analyzer_precision_ratio", {"analyzer": "math.checked"}) != 0.5:
            await asyncio.sleep(0.001)
            kept.keeper.show()

        assert value("slipgauge_analyzer_judged", {"analyzer": "math.checked", "right": "yes"}) == 2
        assert value("slipgauge_cases", {"stratum": "uniform"}) == 4
        assert value("slipgauge_cases_up") == 1


def exemplars(telemetry: Telemetry) -> list[dict[str, str]]:
    text = choose_encoder(ACCEPT)[0](telemetry.registry).decode()
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return [sample.exemplar.labels for family in families for sample in family.samples if sample.exemplar]
