from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.finding import Outcome
from analyzers.pair import Capture, CapturedPair, End
from proxy.report import Analysis, Report
from proxy.workers.window import PAIRS
from tests.workers.pool_harness import Scored, captured, running

pytestmark = pytest.mark.usefixtures("faulty")

BOTH = ("served", "faulty")


async def test_a_pair_gives_one_report_with_one_outcome_per_analyzer() -> None:
    async with running() as scored:
        assert scored.pool.submit(captured("one"), "paired")
        await scored.pool.drain()
        (report,) = scored.reports
        assert report.pair_id == "one"
        assert report.analyses == dict.fromkeys(BOTH, Analysis.SCORED)
        assert [finding.baseline.outcome for finding in report.findings] == [Outcome.PASS, Outcome.PASS]
        assert set(report.seconds) == set(BOTH)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("sleep", "overran"),
        ("spin", "overran"),
        ("exit", "crashed"),
        ("crash", "crashed"),
        ("fork_away", "overran"),
        ("forge", "garbage"),
        ("memory", "memory"),
        ("complain", "error"),
        ("leave", "error"),
        ("undeclared", "invalid"),
        ("write_file", "error"),
    ],
)
async def test_a_faulty_analyzer_costs_its_own_outcome_only(faulty: Path, fault: str, kind: str) -> None:
    async with running(enabled=("faulty", "served")) as scored:
        scored.pool.submit(captured("bad", fault=fault), "paired")
        scored.pool.submit(captured("good"), "paired")
        await scored.pool.drain()
        bad, good = scored.reports
        assert bad.analyses == {"faulty": Analysis.KILLED, "served": Analysis.SCORED}
        assert good.analyses["served"] is Analysis.SCORED
        assert scored.count("analyzer_failures_total", analyzer="faulty", kind=kind) >= 1
        if kind != "invalid":
            assert good.analyses["faulty"] is Analysis.SCORED
        if kind in ("overran", "crashed", "garbage"):
            assert scored.count("worker_restarts_total", kind=kind) == 1
    assert not (faulty / "leak").exists() or not (faulty / "leak").read_text()


async def test_what_an_analyzer_prints_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    async with running() as scored:
        scored.pool.submit(captured(fault="shout"), "paired")
        await scored.pool.drain()
        assert scored.reports[0].analyses == dict.fromkeys(BOTH, Analysis.SCORED)
    out, err = capfd.readouterr()
    assert "customer text" not in out + err


async def test_a_schema_that_explodes_costs_one_outcome_and_no_more() -> None:
    definitions: dict[str, object] = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    schema = {"$defs": definitions | {"d40": {"type": "integer"}}, "$ref": "#/$defs/d0"}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    async with running(enabled=("json", "served")) as scored:
        scored.pool.submit(captured("bomb", text='"x"', response_format=form), "paired")
        scored.pool.submit(captured("next"), "paired")
        await scored.pool.drain()
        assert scored.reports[0].analyses == {"json": Analysis.KILLED, "served": Analysis.SCORED}
        assert scored.reports[1].analyses == {"json": Analysis.NOT_APPLICABLE, "served": Analysis.SCORED}
        assert scored.count("analyzer_failures_total", analyzer="json", kind="overran") == 1


async def test_every_pair_is_reported_once_under_a_storm_of_faults() -> None:
    faults = ["", "exit", "", "complain", "", "shout"] * 5
    async with running(workers=2) as scored:
        for number, fault in enumerate(faults):
            scored.pool.submit(captured(str(number), fault=fault), "paired")
        await scored.pool.drain()
        assert sorted(report.pair_id for report in scored.reports) == sorted(map(str, range(30)))
        for report in scored.reports:
            killed = faults[int(report.pair_id)] in ("exit", "complain")
            assert report.analyses["faulty"] is (Analysis.KILLED if killed else Analysis.SCORED)
            assert report.analyses["served"] is Analysis.SCORED


async def test_a_full_queue_drops_and_says_why() -> None:
    async with running(queue_pairs=2) as scored:
        taken = [scored.pool.submit(captured(str(number)), "paired") for number in range(3)]
        assert taken == [True, True, False]
        assert scored.count("queue_dropped_total", reason="pairs") == 1
        await scored.pool.drain()
        assert [report.pair_id for report in scored.reports] == ["0", "1"]
        assert scored.pool.submit(captured("again"), "paired")


async def test_a_pair_for_which_there_is_no_room_is_a_number_and_no_report() -> None:
    async with running(queue_pairs=2, queue_bytes=10_000) as scored:
        pool = scored.pool
        assert pool.has_room(10_000)
        assert not pool.has_room(10_001)
        pool.refuse()
        assert all(pool.submit(captured(str(number)), "paired") for number in range(2))
        assert not pool.has_room(1)
        pool.refuse()
        await pool.drain()
        await pool.stop()
        assert not pool.has_room(1)
        pool.refuse()
        for reason in ("pairs", "bytes", "shutdown"):
            assert scored.count("queue_dropped_total", reason=reason) == 1
        statistics = pool.statistics()
        assert (statistics["dropped"], statistics["submitted"], len(scored.reports)) == (3, 2, 2)


async def test_a_session_that_cost_a_process_is_passed_over_and_no_other_is() -> None:
    async with running(enabled=("faulty", "served")) as scored:
        for number in range(5):
            again = replace(captured(f"again-{number}", fault="exit" if not number else ""), session="bad")
            scored.pool.submit(again, "paired")
            scored.pool.submit(captured(str(number)), "paired")
        await scored.pool.drain()
        reports = {report.pair_id: report.analyses for report in scored.reports}
        assert reports.pop("again-0") == {"faulty": Analysis.KILLED, "served": Analysis.SCORED}
        for pair_id, analyses in reports.items():
            outcome = Analysis.DROPPED if pair_id.startswith("again") else Analysis.SCORED
            assert analyses == dict.fromkeys(BOTH, outcome)
        assert len(reports) == 9
        assert not scored.pool.submit(replace(captured("late"), session="bad"), "paired")
        assert scored.count("queue_dropped_total", reason="penalty") == 1
        assert scored.count("worker_restarts_total", kind="crashed") == 1


async def test_bytes_bound_the_queue_too() -> None:
    async with running(queue_bytes=10_000) as scored:
        assert scored.pool.submit(captured(text="x" * 2_000), "paired")
        assert not scored.pool.submit(captured(text="x" * 20_000), "paired")
        assert scored.count("queue_dropped_total", reason="bytes") == 1
        assert 4_000 < scored.count("queue_bytes") < 10_000
        await scored.pool.drain()
        assert scored.count("queue_bytes") == 0
        assert 4_000 < scored.pool.statistics()["bytes_peak"] < 10_000


async def test_stopping_drops_what_waits_and_kills_what_hangs() -> None:
    async with running(budget=60.0) as scored:
        for number in range(PAIRS + 1):
            scored.pool.submit(captured(str(number), fault="sleep"), "paired")
        async with asyncio.timeout(10):
            await scored.pool.stop()
        assert not scored.pool.submit(captured("late"), "paired")
        assert sorted(int(report.pair_id) for report in scored.reports) == list(range(PAIRS + 1))
        for report in scored.reports:
            assert set(report.analyses.values()) == {Analysis.DROPPED}
        assert scored.count("queue_dropped_total", reason="shutdown") == 1
        assert scored.count("queue_bytes") == 0
        async with asyncio.timeout(10):
            await scored.pool.drain()


async def test_a_pair_half_scored_at_the_stop_is_reported_with_what_is_left_dropped() -> None:
    async with running(enabled=("faulty", "served"), budget=0.2) as scored:
        scored.pool.submit(captured("half", fault="exit"), "paired")
        await scored.until("analyzer_failures_total", analyzer="faulty", kind="crashed")
        await scored.pool.stop()
        (report,) = scored.reports
        assert report.analyses == {"faulty": Analysis.KILLED, "served": Analysis.DROPPED}
        assert scored.count("queue_dropped_total", reason="shutdown") == 0


async def test_a_lost_child_costs_the_pairs_sent_ahead_nothing() -> None:
    async with running(enabled=("faulty", "served"), workers=2) as scored:
        for number in range(3 * PAIRS):
            scored.pool.submit(captured(str(number), fault="exit" if number in (5, 6, 30) else ""), "paired")
        await scored.pool.drain()
        killed = {r.pair_id for r in scored.reports if r.analyses["faulty"] is Analysis.KILLED}
        assert killed == {"5", "6", "30"}
        assert len(scored.reports) == 3 * PAIRS
        assert {r.analyses["served"] for r in scored.reports} == {Analysis.SCORED}


async def test_an_idle_child_that_dies_is_replaced_when_there_is_work() -> None:
    async with running() as scored:
        scored.pool.submit(captured("one"), "paired")
        await scored.pool.drain()
        child = scored.pool._slots[0]._child
        assert child is not None
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        await scored.until("worker_restarts_total", kind="crashed")
        scored.pool.submit(captured("two"), "paired")
        await scored.pool.drain()
        assert [report.pair_id for report in scored.reports] == ["one", "two"]
        assert scored.reports[1].analyses == dict.fromkeys(BOTH, Analysis.SCORED)


async def test_an_unserved_pair_is_scored_by_served_alone() -> None:
    whole = captured()
    gone = CapturedPair(
        "gone", "s", "baseline", whole.path, whole.body, whole.baseline, Capture(End.REFUSED), whole.baseline
    )
    async with running() as scored:
        scored.pool.submit(gone, "unserved_candidate")
        await scored.pool.drain()
        (report,) = scored.reports
        assert report.analyses == {"served": Analysis.SCORED, "faulty": Analysis.NOT_APPLICABLE}
        assert report.findings[0].slip == 1.0
        assert report.findings[0].candidate.label == "no_connection"


async def test_a_report_that_is_not_taken_does_not_stop_the_pool() -> None:
    scored = Scored()

    def refuse(report: Report) -> None:
        scored.reports.append(report)
        raise RuntimeError

    scored.pool._on_report = refuse
    await scored.pool.start()
    scored.pool.submit(captured(), "paired")
    scored.pool.submit(captured(), "paired")
    await scored.pool.drain()
    await scored.pool.stop()
    assert len(scored.reports) == 2


async def test_a_child_that_cannot_start_gives_the_pair_up(faulty: Path) -> None:
    scored = Scored()
    (faulty / "faulty.py").write_text("import os; os._exit(1)")  # breaks after the parent has loaded it
    await scored.pool.start()
    scored.pool.submit(captured(), "paired")
    await scored.pool.drain()
    await scored.pool.stop()
    assert scored.reports[0].analyses == dict.fromkeys(BOTH, Analysis.KILLED)
    assert scored.count("worker_restarts_total", kind="start") == 3


async def test_children_see_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASELINE_API_KEY", "sk-secret")
    async with running() as scored:
        scored.pool.submit(captured(), "paired")
        await scored.pool.drain()
        child = scored.pool._slots[0]._child
        assert child is not None
        environment = Path(f"/proc/{child.pid}/environ").read_bytes()  # noqa: ASYNC240
        assert b"sk-secret" not in environment
