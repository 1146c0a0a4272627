from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from analyzers.finding import Finding, Score
from proxy.control.admin import ENDPOINTS
from proxy.control.control import Control
from proxy.report import Analysis, ArmReport, Report
from tests.control.fakes import Client, Connect, FixedBaseline, FixedLedger

TOKEN = "correct horse"


def report(session: str, candidate: float = 0.0) -> Report:
    finding = Finding("served", "1", "served", Score(0.0), Score(candidate))
    analyses = {"served": Analysis.SCORED}
    arm = ArmReport(first_token=0.02, gaps=(0, 0, 0, 2, *[0] * 8), gap_seconds=0.02)
    return Report("p", session, 1.0, "baseline", "paired", analyses, {"served": 0.001}, (finding,), candidate=arm)


async def test_the_verdict_has_the_stable_fields_and_says_why(admin: Client, control: Control) -> None:
    for number in range(40):
        control.receive(report(str(number), float(number < 4)))
    told = await (await admin.get("/verdict")).json()

    assert (told["verdict"], told["stage"]) == ("inconclusive", "shadow")
    (row,) = told["guardrails"]
    assert list(row)[:9] == [
        *("name", "state", "sessions", "baseline_rate", "candidate_rate"),
        *("slip", "lower", "upper", "e_value"),
    ]
    assert (row["sessions"], row["slip"], row["margin"]) == (40, 0.1, 0.01)
    assert row["reason"]


async def test_the_ledger_says_whether_it_balances(admin: Client, ledger: FixedLedger) -> None:
    good = await (await admin.get("/ledger")).json()
    ledger.total += 1
    bad = await (await admin.get("/ledger")).json()

    assert good == {"states": {"paired": 3, "not_sampled": 2}, "open": 1, "total": 6, "balanced": True}
    assert bad["balanced"] is False


async def test_the_stage_is_shadow_and_the_candidate_answers_nobody(admin: Client) -> None:
    told = await (await admin.get("/stage")).json()

    assert (told["stage"], told["candidate_weight"], told["candidate_revision"]) == ("shadow", 0.0, "1")
    assert told["owner"] == "slipgauge"
    assert told["waiting"] == [
        "0 of at least 1000 sessions in this step",
        "0 of at least 3600 seconds in this step",
        "it takes its steps on command",
    ]


async def test_readiness_is_the_baselines(admin: Client, baseline: FixedBaseline) -> None:
    ready = await admin.get("/readyz")
    baseline.wrong = "the baseline answers 503"
    broken = await admin.get("/readyz")

    assert (ready.status, broken.status) == (200, 503)
    assert (await broken.json())["reason"] == "the baseline answers 503"
    assert (await admin.get("/healthz")).status == 200


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain; version=x", "application/openmetrics-text; version=y"])
async def test_metrics_answer_whatever_is_accepted(admin: Client, accept: str) -> None:
    response = await admin.get("/metrics", headers={"Accept": accept})

    assert response.status == 200
    assert 'slipgauge_build_info{version="1.2.3"} 1.0' in await response.text()


async def test_openmetrics_is_negotiated_and_closed_series_start_at_zero(admin: Client) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    response = await admin.get("/metrics", headers={"Accept": accept})
    families = text_string_to_metric_families(await response.text())  # type: ignore[no-untyped-call]
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value for f in families for sample in f.samples
    }

    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert samples["slipgauge_findings_total", "fail", "pass", "served"] == 0
    assert samples["slipgauge_analyses_total", "killed", "served"] == 0
    assert samples["slipgauge_sessions_total", "served"] == 0
    assert samples["slipgauge_verdict", "no_data", "served"] == 1
    assert samples["slipgauge_verdict", "pass", "served"] == 0
    assert samples["slipgauge_stage", "shadow"] == 1
    assert samples["slipgauge_candidate_weight_ratio",] == 0
    assert not [key for key in samples if key[0] == "slipgauge_slip_ratio"]


async def test_reports_reach_the_metrics(control: Control) -> None:
    for number in range(40):
        control.receive(report(str(number), candidate=1.0))
    control.refresh()
    value = control.telemetry.registry.get_sample_value

    cell = {"analyzer": "served", "baseline": "pass", "candidate": "fail"}
    assert value("slipgauge_findings_total", cell) == 40
    assert value("slipgauge_sessions_total", {"guardrail": "served"}) == 40
    assert value("slipgauge_verdict", {"guardrail": "served", "state": "fail"}) == 1
    slip = {"guardrail": "served", "segment": "all", "bound": "estimate"}
    assert value("slipgauge_slip_ratio", slip) == 1
    mirror = {"arm": "candidate", "leg": "mirror"}
    assert value("slipgauge_time_to_first_token_seconds_count", mirror) == 40
    assert value("slipgauge_inter_token_latency_seconds_count", mirror) == 80
    assert value("slipgauge_inter_token_latency_seconds_sum", mirror) == pytest.approx(0.8)
    assert value("slipgauge_inter_token_latency_seconds_bucket", {**mirror, "le": "0.005"}) == 0
    assert value("slipgauge_inter_token_latency_seconds_bucket", {**mirror, "le": "0.01"}) == 80
    assert value("slipgauge_analyzer_duration_seconds_count", {"analyzer": "served"}) == 40


async def test_pairs_of_which_no_report_tells_are_dropped_analyses(control: Control) -> None:
    value = control.telemetry.registry.get_sample_value
    control.receive(report("scored"))
    for dropped in range(3):
        control.refresh()
        assert value("slipgauge_analyses_total", {"analyzer": "served", "state": "dropped"}) == 2 * dropped
        control.telemetry.queue_dropped.labels("pairs").inc()
        control.telemetry.queue_dropped.labels("channel").inc()

    assert value("slipgauge_analyses_total", {"analyzer": "served", "state": "scored"}) == 1


async def test_a_token_guards_all_but_health_and_metrics(connect: Connect) -> None:
    admin = await connect(TOKEN)
    for path in ENDPOINTS:
        bare = await admin.get(path)
        wrong = await admin.get(path, headers={"Authorization": "Bearer wröng"})
        right = await admin.get(path, headers={"Authorization": f"bearer {TOKEN}"})
        needs = path not in {"/healthz", "/readyz", "/metrics"}

        there = 404 if "{" in path else 200
        assert [bare.status, wrong.status, right.status] == ([401, 401, there] if needs else [200] * 3)
        if needs:
            assert bare.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("POST", "/verdict", 405)])
async def test_errors_are_json(admin: Client, method: str, path: str, status: int) -> None:
    response = await admin.request(method, path)

    assert response.status == status
    assert (await response.json())["error"]["code"] == status
    assert ("Allow" in response.headers) == (status == 405)


async def test_every_answer_carries_security_headers(admin: Client) -> None:
    for path in (*ENDPOINTS, "/nope"):
        headers = (await admin.get(path)).headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_the_page_names_every_endpoint(admin: Client) -> None:
    page = await (await admin.get("/")).text()

    assert all(f'href="{path}"' in page for path in ENDPOINTS if "{" not in path)
