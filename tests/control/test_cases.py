"""The case pool at the admin port."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from proxy.cases.keeper import CaseKeeper
from proxy.control.access import Tokens
from proxy.control.admin import Admin
from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.processes.status import Gateways
from tests.cases.made import case, finding
from tests.control.fakes import Client, Connect, FixedBaseline

SLIP = finding("math.checked", baseline=False, candidate=True)
OPERATOR = {"Authorization": "Bearer ops"}
VIEWER = {"Authorization": "Bearer view"}


@pytest.fixture
async def filled(cases: CaseKeeper) -> CaseKeeper:
    def fill(pool: Any) -> None:
        for number in range(5):
            said = f"secret{number}"
            pool.add(case(f"p{number}", SLIP, answer=said, at=f"2026-01-0{number + 1}T00:00:00.000Z"))

    await cases.ask(fill)
    return cases


@pytest.mark.usefixtures("filled")
async def test_cases_are_listed_without_texts_page_after_page(admin: Client) -> None:
    first = await (await admin.get("/cases?limit=3&variable=math.checked")).json()
    rest = await (await admin.get("/cases", params={"limit": "3", "before": first["next"]})).json()

    assert [each["pair_id"] for each in (*first["cases"], *rest["cases"])] == ["p4", "p3", "p2", "p1", "p0"]
    assert rest["next"] is None
    assert "secret" not in str(first)


@pytest.mark.usefixtures("filled")
async def test_whoever_reads_a_case_is_in_the_log_by_the_role_of_its_token(connect: Connect) -> None:
    admin = await connect("view", "ops")
    assert (await admin.get("/cases/p1")).status == 401
    read = await (await admin.get("/cases/p1", headers=VIEWER)).json()
    await admin.get("/cases/p2", headers=OPERATOR)
    log = await (await admin.get("/audit?log=cases", headers=VIEWER)).json()

    assert read["candidate"]["choices"][0]["text"] == "secret1"
    assert [(entry["by"], entry["action"], entry["what"]) for entry in log["entries"]] == [
        ("operator", "read", "case p2"),
        ("viewer", "read", "case p1"),
    ]


async def test_a_case_that_cannot_be_noted_is_not_shown(admin: Client, filled: CaseKeeper) -> None:
    def stop_writing(pool: Any) -> None:
        pool._db.execute("PRAGMA query_only = ON")

    await filled.ask(stop_writing)
    response = await admin.get("/cases/p1")

    assert response.status == 503
    assert "secret" not in await response.text()


@pytest.mark.usefixtures("filled")
async def test_an_operator_labels_and_a_viewer_does_not(connect: Connect) -> None:
    admin = await connect("view", "ops")
    said = {"judged": "slip", "note": "off by one", "by": "ada", "analyzer": "math.checked"}
    refused = await admin.post("/cases/p1/label", json=said, headers=VIEWER)
    done = await admin.post("/cases/p1/label", json=said, headers=OPERATOR)
    mine = await admin.post("/cases/p1/label", json={"judged": "noise"}, headers=OPERATOR)
    found = await (await admin.get("/cases?judged=slip", headers=VIEWER)).json()

    assert (refused.status, done.status) == (403, 200)
    assert [label["by"] for label in (await mine.json())["labels"]] == ["ada", "operator"]
    assert [each["pair_id"] for each in found["cases"]] == ["p1"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/cases?colour=red", None, 400, "there are analyzer, variable"),
        ("/cases?limit=many", None, 400, "whole number"),
        ("/cases?order=divergent&before=x~y", None, 400, "cursor"),
        ("/cases?before=zz", None, 400, "cursor"),
        ("/cases/none", None, 404, "no case 'none'"),
        ("/audit?log=elsewhere", None, 400, "rollout, cases"),
        ("/cases/p1/label", {"judged": "maybe"}, 400, "one of slip, noise"),
        ("/cases/p1/label", {}, 400, "one of slip, noise"),
        ("/cases/p1/label", [], 400, 'should be {"judged"'),
        ("/cases/p1/label", {"judged": "slip", "mood": "bad"}, 400, "may have note, by, analyzer"),
        ("/cases/p1/label", {"judged": "slip", "note": "x" * 1_001}, 400, "up to 1000 characters"),
        ("/cases/p1/label", {"judged": "slip", "by": "\x1b[2J"}, 400, "by should be"),
        ("/cases/p1/label", {"judged": "slip", "by": ""}, 400, "by should be the name of whoever judges"),
        ("/cases/p1/label", {"judged": "slip", "analyzer": "math"}, 400, "one of math.checked, or left out"),
        ("/cases/none/label", {"judged": "slip"}, 404, "no case 'none'"),
    ],
)
async def test_what_is_wrong_is_said_with_what_would_be_right(
    admin: Client, path: str, body: Any, status: int, words: str
) -> None:
    response = await (admin.get(path) if body is None else admin.post(path, json=body))

    assert response.status == status
    assert words in (await response.json())["error"]["message"]


async def test_where_no_cases_are_kept_that_is_said(
    control: Control, keeper: Keeper, baseline: FixedBaseline
) -> None:
    none = CaseKeeper(None, "name a file", control.telemetry, lambda _: None, revision="1", queue_bytes=1)
    admin = Admin(control, keeper, baseline, lambda: Gateways(1, 1), cases=none)
    async with TestClient(TestServer(admin.app(Tokens()))) as client:
        for path in ("/cases", "/cases/p1", "/audit?log=cases"):
            response = await client.get(path)
            assert response.status == 404
            assert (await response.json())["error"]["message"] == "name a file"


async def test_a_closed_pool_is_said(admin: Client, cases: CaseKeeper) -> None:
    def close(pool: Any) -> None:
        closing(pool).__exit__(None, None, None)

    await cases.ask(close)

    assert (await admin.get("/cases")).status == 503
