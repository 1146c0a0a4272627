"""The console over HTTP."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cases.case import loads
from proxy.cases.keeper import CaseKeeper
from proxy.control.console.cases import PAGE as FILTERED
from proxy.control.console.console import PAGES, TYPES
from proxy.control.console.export import AT_ONCE
from tests.console.made import case, pool
from tests.control.fakes import Client, Connect

PAGE = {"Accept": "text/html"}


async def text(client: Client, path: str) -> str:
    answer = await client.get(path, headers=PAGE)
    assert answer.status == 200, path
    assert answer.content_type == "text/html"
    return await answer.text()


async def test_the_overview_is_there_before_anything_is_known(admin: Client, cases: CaseKeeper) -> None:
    page = await text(admin, "/")

    assert "Nothing is known yet" in page
    assert all(path in page for path in PAGES)
    assert "None is kept yet" in await text(admin, "/cases")
    await cases.stop()
    assert "No cases are kept" in await text(admin, "/cases")


async def test_no_page_holds_script_style_or_address_of_its_own(connect: Connect) -> None:
    client = await connect(pool=pool(case()))
    for path in ("/", "/cases", "/cases/p1"):
        page = await text(client, path)

        assert re.findall(r"<script[^>]*>", page) == ['<script src="/assets/console.js" defer>']
        assert "<style" not in page
        assert not re.search(r"\s(style|on\w+)=", page)
        assert not re.search(r'(href|src|action)="(?![/?#])', page)


@pytest.mark.parametrize("name", TYPES)
async def test_assets_are_what_they_say(admin: Client, name: str) -> None:
    answer = await admin.get(f"/assets/{name}")

    assert answer.content_type == TYPES[name]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await admin.get("/assets/..%2Fconsole.py")).status == 404


async def test_one_pages_cases_lead_to_the_next(connect: Connect) -> None:
    held = pool(
        *(case(f"p{n:03}", at=f"2026-11-02T09:{n // 60:02}:{n % 60:02}+00:00") for n in range(FILTERED + 10))
    )
    client = await connect(pool=held)
    first = await text(client, "/cases?variable=math.checked&label=")
    (more,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = await text(client, more.replace("&amp;", "&"))
    names = [re.findall(r'href="/cases/(p\d+)', page) for page in (first, second)]

    assert len(names[0]) == FILTERED
    assert names[0] + names[1] == sorted(held.cases, reverse=True)
    assert 'rel="next"' not in second


async def test_the_next_case_is_found_over_the_end_of_a_page(connect: Connect) -> None:
    held = pool(
        *(case(f"p{n:03}", at=f"2026-11-02T09:{n // 60:02}:{n % 60:02}+00:00") for n in range(FILTERED + 10))
    )
    client = await connect(pool=held)
    path, seen = "/cases/p059", ["p059"]
    while found := re.findall(r'href="([^"]+)" rel="next"', await text(client, path)):
        path = found[0].replace("&amp;", "&")
        seen.append(path[7:11])

    assert seen == sorted(held.cases, reverse=True)


async def test_a_label_is_kept_without_script_and_with_it(connect: Connect) -> None:
    held = pool(case())
    client = await connect(pool=held)
    origin = {"Origin": f"http://{client.host}:{client.port}"}
    page = await text(client, "/cases/p1?order=divergent")
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', page)
    said = {"form_token": token, "judged": "slip", "by": "ada", "note": "off by 20", "analyzer": "math.checked"}
    by_form = await client.post(
        "/cases/p1/label?order=divergent", data=said, headers={**origin, **PAGE}, allow_redirects=False
    )
    by_script = await client.post("/cases/p1/label", json={"judged": "noise", "by": "bob"}, headers=origin)

    assert (by_form.status, by_form.headers["Location"]) == (303, "/cases/p1?order=divergent#label")
    assert by_script.status == 200
    assert [(each.judged, each.by, each.note) for each in held.cases["p1"].labels] == [
        ("slip", "ada", "off by 20"),
        ("noise", "bob", ""),
    ]
    assert [each.action for each in held.noted] == ["read", "label", "label"]


async def test_a_label_about_an_analyzer_that_said_nothing_of_the_case_is_refused(connect: Connect) -> None:
    held = pool(case())
    client = await connect(pool=held)
    origin = {"Origin": f"http://{client.host}:{client.port}"}
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', await text(client, "/cases/p1"))
    said = {"form_token": token, "judged": "slip", "by": "ada", "analyzer": "json"}
    answer = await client.post("/cases/p1/label", data=said, headers={**origin, **PAGE})

    assert answer.status == 400
    assert "Analyzer should be one of served, math.checked, or left out" in await answer.text()
    assert held.cases["p1"].labels == ()


async def test_an_export_holds_all_that_is_filtered_and_is_in_the_access_log(connect: Connect) -> None:
    many = AT_ONCE + 20
    held = pool(*(case(f"p{n:03}", at=f"2026-11-02T09:{n // 60:02}:{n % 60:02}+00:00") for n in range(many)))
    held.add(replace(case("other"), findings=()))
    client = await connect("v", "o", held)
    viewer = {"Authorization": "Bearer v"}
    answer = await client.get("/cases/export?variable=math.checked&format=jsonl&label=&limit=5", headers=viewer)
    rows = [loads(line) for line in (await answer.read()).splitlines()]

    assert answer.headers["Content-Disposition"] == 'attachment; filename="slipgauge-cases.jsonl"'
    assert [each.pair_id for each in rows] == sorted((f"p{n:03}" for n in range(many)), reverse=True)
    assert [(each.by, each.action, each.what) for each in held.noted] == [
        ("viewer", "export", f"{many} cases as jsonl")
    ]
    assert (await client.get("/cases/export?format=best", headers=viewer)).status == 400
    assert (await client.get("/cases/export")).status == 401


async def test_an_export_that_is_too_large_is_refused_and_not_cut(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.control.console.export.MOST_BYTES", 1_000)
    client = await connect(pool=pool(case("a"), case("b")))

    assert (await client.get("/cases/export")).status == 400


async def test_whoever_reads_is_in_the_access_log(connect: Connect) -> None:
    held = pool(case())
    client = await connect("v", "o", held)
    for path in ("/cases?order=divergent", "/cases/p1", "/cases/p1/text/request", "/cases/nope", "/"):
        await client.get(path, headers={**PAGE, "Authorization": "Bearer v"})

    assert [(each.by, each.action, each.what) for each in held.noted] == [
        ("viewer", "read", "list of cases?order=divergent"),
        ("viewer", "read", "case p1"),
        ("viewer", "read", "case p1: request"),
    ]


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("/cases/p1/label", {"judged": "good"}, 400),
        ("/cases/p1/label", [], 400),
        ("/cases/p2/label", {"judged": "slip"}, 404),
    ],
)
async def test_what_is_no_label_is_refused(connect: Connect, path: str, said: object, status: int) -> None:
    client = await connect(pool=pool(case()))

    assert (await client.post(path, json=said)).status == status


async def test_a_part_is_read_whole_as_plain_text_with_what_is_unseen_written_out(connect: Connect) -> None:
    client = await connect(pool=pool(case("p1", candidate="<b>\u202e\x1b[1m" + "x" * 1_000_000)))
    answer = await client.get("/cases/p1/text/candidate", headers=PAGE)

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (await answer.text()).startswith("<b>[U+202E]␛[1mxxx")
    assert len(await answer.read()) > 1_000_000
    assert (await client.get("/cases/p1/text/subject")).status == 404
    assert (await client.get("/cases/nope/text/request")).status == 404


async def test_a_case_that_is_not_kept_and_a_filter_that_cannot_be_say_so(connect: Connect) -> None:
    client = await connect(pool=pool(case()))

    assert (await client.get("/cases/nope", headers=PAGE)).status == 404
    assert (await client.get("/cases?order=best", headers=PAGE)).status == 400


async def test_a_viewer_reads_and_is_told_who_labels(connect: Connect) -> None:
    client = await connect("v", "o", pool(case()))
    viewer = {"Authorization": "Bearer v", **PAGE}
    page = await (await client.get("/cases/p1", headers=viewer)).text()

    assert '<a href="/signin">Sign in</a> with the operator token to label.' in page
    assert (await client.post("/cases/p1/label", json={"judged": "slip"}, headers=viewer)).status == 403
