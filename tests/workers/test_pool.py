from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.finding import Outcome
from analyzers.pair import Capture, CapturedPair, End
from proxy.report import PASSED_OVER, UNSENT, Analysis, Missing, Report, Unmeasured
from proxy.workers.job import Job
from proxy.workers.window import PAIRS
from tests.workers.pool_harness import Scored, captured, running

pytestmark = pytest.mark.usefixtures("faulty")
SHORT = 1.5
"""Seconds: a budget that is waited for, and still enough for what is sound."""

BOTH = ("served", "faulty")
REFUSED = Unmeasured(1, "s", "baseline", "paired", ("model=m",))


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
    async with running(enabled=("faulty", "served"), budget=SHORT if kind == "overran" else 20.0) as scored:
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
            # It is asked for its population once more, and the request alone does the same.
            assert scored.count("worker_restarts_total", kind=kind) == 2
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
    async with running(enabled=("json", "served"), budget=SHORT) as scored:
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
        assert [report.pair_id for report in scored.reports if report.state == "paired"] == ["0", "1"]
        assert scored.pool.submit(captured("again"), "paired")


async def test_of_a_pair_for_which_there_is_no_room_only_its_session_is_told() -> None:
    async with running(queue_pairs=2, queue_bytes=10_000) as scored:
        pool = scored.pool
        assert pool.submit(captured(text="x" * 6_000), "paired")
        assert not pool.has_room()
        pool.refuse(REFUSED)
        await pool.drain()
        assert all(pool.submit(captured(str(number)), "paired") for number in range(2))
        assert not pool.has_room()
        pool.refuse(REFUSED)
        await pool.drain()
        await pool.stop()
        assert not pool.has_room()
        pool.refuse(REFUSED)
        for reason in ("pairs", "bytes", "shutdown"):
            assert scored.count("queue_dropped_total", reason=reason) == 1
        statistics = pool.statistics()
        assert (statistics["dropped"], statistics["submitted"]) == (3, 3)
        passed_over = [report for report in scored.reports if report.state == PASSED_OVER]
        assert [(each.session, each.arrival, each.segments) for each in passed_over] == [("s", 1, ("model=m",))] * 3
        assert len(scored.reports) == 6


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
        assert scored.count("worker_restarts_total", kind="crashed") == 2


async def test_bytes_bound_the_queue_too() -> None:
    async with running(queue_bytes=10_000) as scored:
        assert scored.pool.submit(captured(text="x" * 2_000), "paired")
        assert scored.pool.submit(captured(text="x" * 20_000), "paired"), "a pair's own size does not count"
        assert not scored.pool.submit(captured(), "paired")
        assert scored.count("queue_dropped_total", reason="bytes") == 1
        assert 44_000 < scored.count("queue_bytes") < 50_000
        await scored.pool.drain()
        assert scored.count("queue_bytes") == 0
        assert 44_000 < scored.pool.statistics()["bytes_peak"] < 50_000


async def test_stopping_drops_what_waits_and_kills_what_hangs() -> None:
    async with running(budget=60.0) as scored:
        for number in range(PAIRS + 1):
            scored.pool.submit(captured(str(number), fault="sleep"), "paired")
        async with asyncio.timeout(10):
            await scored.pool.stop()
        assert not scored.pool.submit(captured("late"), "paired")
        told = [report for report in scored.reports if report.state == "paired"]
        assert sorted(int(report.pair_id) for report in told) == list(range(PAIRS + 1))
        for report in told:
            assert set(report.analyses.values()) == {Analysis.DROPPED}
        assert scored.count("queue_dropped_total", reason="shutdown") == 1
        assert scored.count("queue_bytes") == 0
        async with asyncio.timeout(10):
            await scored.pool.drain()


async def test_a_pair_half_scored_at_the_stop_is_reported_with_what_is_left_dropped() -> None:
    async with running(enabled=("faulty", "served")) as scored:
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
    assert scored.count("worker_restarts_total", kind="start") == 4


async def test_children_see_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASELINE_API_KEY", "sk-secret")
    async with running() as scored:
        scored.pool.submit(captured(), "paired")
        await scored.pool.drain()
        child = scored.pool._slots[0]._child
        assert child is not None
        environment = Path(f"/proc/{child.pid}/environ").read_bytes()  # noqa: ASYNC240
        assert b"sk-secret" not in environment


@pytest.mark.parametrize("fault", ["exit", "complain", "undeclared"])
async def test_where_an_answer_costs_an_analyzer_its_outcome_what_the_slip_can_be_is_told(fault: str) -> None:
    async with running(enabled=("faulty", "served")) as scored:
        scored.pool.submit(captured(text=f"fault: {fault}"), "paired")
        await scored.pool.drain()
        (report,) = scored.reports
        assert report.analyses == {"faulty": Analysis.KILLED, "served": Analysis.SCORED}
        assert report.missing == (Missing("faulty", "1", "faulty", -1.0, 1.0),)


async def test_a_pair_that_was_given_up_is_asked_for_its_population_only() -> None:
    pair = replace(captured(), baseline=Capture(End.ABORTED), arrival=7)
    async with running(enabled=("faulty", "served", "json")) as scored:
        scored.pool.submit(pair, "client_abort")
        await scored.pool.drain()
        (report,) = scored.reports
        assert (report.state, report.arrival, report.analyses, report.findings) == ("client_abort", 7, {}, ())
        assert report.missing == (
            Missing("faulty", "1", "faulty", -1.0, 0.0),  # the candidate's answer is known, and good
            Missing("served", "1", "served", -1.0, 0.0),
        )


async def test_a_loop_that_outgrew_what_may_be_kept_counts_as_one() -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"and so on "}}]}\n\n'
    endless = Capture(End.TOO_LARGE, 200, "text/event-stream", body=event * 1_000)
    async with running(enabled=("degeneration", "truncation")) as scored:
        scored.pool.submit(replace(captured(), candidate=endless), "truncated")
        await scored.pool.drain()
        (report,) = scored.reports
        assert {each.variable: (each.low, each.high) for each in report.missing} == {
            "degeneration": (1.0, 1.0),
            "truncation": (0.0, 1.0),
        }


async def test_a_pair_that_cannot_be_read_is_asked_for_its_population_without_its_answers() -> None:
    scored = Scored(enabled=("served", "faulty"))
    await scored.pool.start()
    job = Job(captured(), "paired", BOTH)
    job.lose_reading()
    assert (job.pair.candidate.body, job.blind) == (b"", 0b11)
    scored.pool._enter(job)
    scored.pool._queue(job)
    await scored.pool.drain()
    await scored.pool.stop()
    (report,) = scored.reports
    assert report.analyses == dict.fromkeys(BOTH, Analysis.KILLED)
    assert {each.variable: (each.low, each.high) for each in report.missing} == dict.fromkeys(BOTH, (-1.0, 1.0))


async def test_of_a_sampled_request_without_a_pair_only_its_kind_is_told() -> None:
    scored = Scored()
    scored.pool.leave(REFUSED._replace(state="dropped_budget"))
    (report,) = scored.reports
    assert (report.state, report.arrival, report.segments, report.analyses) == (UNSENT, 1, ("model=m",), {})
    assert scored.pool.statistics()["dropped"] == 0


async def test_the_language_of_a_request_is_found_out_where_requests_are_told_apart_by_it() -> None:
    asked = [{"role": "user", "content": "Was ist die Hauptstadt von Italien, und wie komme ich dahin?"}]
    async with running() as scored:
        pair = captured("german", messages=asked)
        scored.pool.submit(replace(pair, segments=("model=m", "language=unread")), "paired")
        scored.pool.submit(replace(captured("short"), segments=("language=unread",)), "paired")
        scored.pool.submit(captured("plain", messages=asked), "paired")
        await scored.pool.drain()
        assert {report.pair_id: report.segments for report in scored.reports} == {
            "german": ("model=m", "language=de"),
            "short": ("language=none",),
            "plain": (),
        }
