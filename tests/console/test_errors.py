"""What a browser is told where something is refused."""

from __future__ import annotations

import pytest

from proxy.control.access import HEADERS
from proxy.control.attempts import EACH
from proxy.control.console.errors import TITLES, error_page
from tests.console.made import case, pool
from tests.console.test_markup import HOSTILE, read
from tests.control.fakes import Client, Connect

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize(
    ("asked", "headers", "status", "advice"),
    [
        ("GET /cases?order=best", {}, 400, "Go back and change"),
        ("GET /nothing", {}, 404, "Not Found: GET /nothing"),
        ("GET /cases/export?format=best", {}, 400, "Format should be one of"),
        ("GET /cases", {"Host": "evil.example:8081"}, 421, "under localhost"),
        ("POST /cases/p1/label", {"Origin": "http://evil.example"}, 403, "A page of another origin"),
    ],
)
async def test_a_browser_gets_a_page_that_says_what_to_do_and_a_program_the_same_in_json(
    connect: Connect, asked: str, headers: dict[str, str], status: int, advice: str
) -> None:
    method, path = asked.split()
    client = await connect(pool=pool(case()))
    shown = await client.request(method, path, headers=headers | PAGE)
    told = await client.request(method, path, headers=headers)
    text = await shown.text()

    assert (shown.status, shown.content_type, told.content_type) == (status, "text/html", "application/json")
    assert advice in text
    assert {name: shown.headers[name] for name in HEADERS} == HEADERS
    assert "form_token" not in text
    assert "candidate <b>" not in text


async def wrong(client: Client, headers: dict[str, str]) -> tuple[int, str, str | None]:
    answer = await client.post("/signin", data={"token": "guess"}, headers=headers)
    return answer.status, answer.content_type, answer.headers.get("Retry-After")


async def test_too_many_wrong_tokens_are_a_page_that_says_when_to_try_again(connect: Connect) -> None:
    client = await connect("v", "o")
    for _ in range(EACH):
        assert (await wrong(client, PAGE))[0] == 401

    assert await wrong(client, PAGE) == (429, "text/html", "6")
    assert await wrong(client, {}) == (429, "application/json", "6")


async def test_who_only_reads_is_told_so_on_a_page(connect: Connect) -> None:
    client = await connect("v", "o", pool(case()))
    answer = await client.post("/cases/p1/label", headers=PAGE | {"Authorization": "Bearer v"})

    assert (answer.status, answer.content_type) == (403, "text/html")
    assert "The viewer token only reads; this needs the operator token." in await answer.text()


@pytest.mark.parametrize("said", HOSTILE)
def test_what_was_asked_for_is_shown_as_text(said: str) -> None:
    plain = {name for name, _ in read(error_page(404, "x")).tags}

    assert {name for name, _ in read(error_page(404, said or "x")).tags} <= plain | {"span"}


@pytest.mark.parametrize("status", [*TITLES, 405, 413, 599])
def test_every_error_has_a_title_and_a_way_out(status: int) -> None:
    page = error_page(status, "so it is")

    assert "<h1>" in page
    assert "So it is." in page
