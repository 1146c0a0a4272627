"""Signing in with a browser: what a cookie opens, what a page of another origin cannot do with it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from multidict import CIMultiDict

from proxy.control.attempts import EACH
from proxy.control.control import Control
from tests.control.fakes import Client, Connect
from verdict.rollout import Stage

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def origin(client: Client) -> str:
    return f"http://{client.host}:{client.port}"


async def form_token(client: Client, path: str = "/signin") -> str:
    page = await (await client.get(path, headers=PAGE)).text()
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


async def sign_in(client: Client, token: str, back: str = "/") -> CIMultiDict[str]:
    """The headers of the answer."""
    said = {"token": token, "next": back, "form_token": await form_token(client)}
    answer = await client.post("/signin", data=said, headers={"Origin": origin(client)}, allow_redirects=False)
    assert answer.status == 303
    return CIMultiDict(answer.headers)


async def test_a_browser_without_a_cookie_is_led_to_sign_in_and_back(connect: Connect) -> None:
    client = await connect("v", "o")
    led = await client.get("/cases?order=divergent", headers=PAGE, allow_redirects=False)
    headers = await sign_in(client, "v", "/cases?order=divergent")

    assert led.status == 303
    assert led.headers["Location"] == "/signin?next=/cases%3Forder%3Ddivergent"
    assert headers["Location"] == "/cases?order=divergent"
    assert (await client.get("/", headers=PAGE)).status == 200
    assert (await client.get("/verdict")).status == 200


async def test_the_cookie_is_for_this_port_alone_and_no_script_reads_it(connect: Connect) -> None:
    client = await connect("v", "o")
    cookie = (await sign_in(client, "v"))["Set-Cookie"]

    assert cookie.startswith(f"slipgauge-{client.port}=viewer.")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"))
    assert "Secure" not in cookie


async def test_behind_tls_the_cookie_stays_behind_tls(connect: Connect) -> None:
    client = await connect("v", "o")
    said = {"token": "v", "form_token": await form_token(client)}
    answer = await client.post("/signin", data=said, headers={"X-Forwarded-Proto": "https"}, allow_redirects=False)

    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\/evil", "x", "/a\nb", "javascript:1", ""],
)
async def test_signing_in_leads_nowhere_else(connect: Connect, back: str) -> None:
    client = await connect("v")

    location = (await sign_in(client, "v", back))["Location"]
    assert location == "/"
    assert not urlsplit(location).netloc


async def test_a_viewers_cookie_reads_and_an_operators_changes(connect: Connect, control: Control) -> None:
    client = await connect("v", "o")
    await sign_in(client, "v")
    token, sent = await form_token(client, "/"), {"Origin": origin(client)}
    refused = await client.post("/stage/rollback", json={}, headers={**sent, "X-Form-Token": token})
    client.session.cookie_jar.clear()
    await sign_in(client, "o")
    token = await form_token(client, "/")
    followed = await client.post("/stage/rollback", json={}, headers={**sent, "X-Form-Token": token})

    assert (refused.status, followed.status) == (403, 200)
    assert control.rollout.stage is Stage.ROLLED_BACK


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Form-Token": "guess"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_cookie_alone_changes_nothing(connect: Connect, control: Control, headers: dict[str, str]) -> None:
    client = await connect("v", "o")
    await sign_in(client, "o")
    good = {"X-Form-Token": await form_token(client, "/")} if "Origin" in headers else {}

    assert (await client.post("/stage/rollback", json={}, headers={**good, **headers})).status == 403
    assert control.rollout.stage is Stage.SHADOW


async def test_without_tokens_a_form_of_another_page_is_refused_and_curls_is_not(admin: Client) -> None:
    same = {"Origin": origin(admin)}

    assert (await admin.post("/stage/hold", data={"reason": "x"}, headers=same)).status == 403
    assert (await admin.post("/stage/hold", data=b'{"reason": "x"}')).status == 200


async def test_where_only_changing_asks_for_a_token_one_may_sign_in_and_need_not(connect: Connect) -> None:
    client = await connect(None, "o")
    page = await (await client.get("/", headers=PAGE)).text()
    await sign_in(client, "o")
    token = await form_token(client, "/")
    changed = await client.post("/stage/hold", json={}, headers={"Origin": origin(client), "X-Form-Token": token})

    assert '<a href="/signin" class="session">Sign in</a>' in page
    assert changed.status == 200


async def test_signing_out_forgets_the_cookie(connect: Connect) -> None:
    client = await connect("v", "o")
    await sign_in(client, "v")
    said = {"form_token": await form_token(client, "/")}
    answer = await client.post("/signout", data=said, headers={"Origin": origin(client)}, allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (303, "/signin")
    assert (await client.get("/verdict")).status == 401


async def test_a_changed_cookie_opens_nothing(connect: Connect) -> None:
    client = await connect("v", "o")
    cookie = (await sign_in(client, "v"))["Set-Cookie"].partition(";")[0]
    client.session.cookie_jar.clear()

    assert (await client.get("/verdict", headers={"Cookie": cookie})).status == 200
    assert (await client.get("/verdict", headers={"Cookie": cookie.replace("=viewer", "=operator")})).status == 401
    assert (await client.get("/verdict", headers={"Cookie": f"{cookie}x"})).status == 401


async def test_who_tries_too_many_tokens_must_wait_and_a_right_one_never_does(
    connect: Connect, control: Control
) -> None:
    client = await connect("v", "o")
    said = {"form_token": await form_token(client)}
    tried = [(await client.post("/signin", data={**said, "token": f"{n}"})).status for n in range(EACH)]
    late = await client.post("/signin", data={**said, "token": "wrong"}, allow_redirects=False)
    wrong, right = ({"Authorization": f"Bearer {token}"} for token in ("wrong", "o"))

    assert set(tried) == {401}
    assert (late.status, late.headers["Retry-After"]) == (429, "6")
    assert (await client.get("/verdict", headers=wrong)).status == 429
    assert (await client.post("/stage/rollback", json={}, headers=right)).status == 200
    assert control.rollout.stage is Stage.ROLLED_BACK
    assert (await client.post("/signin", data={**said, "token": "v"}, allow_redirects=False)).status == 303
    assert (await client.get("/healthz")).status == 200


async def test_wrong_bearer_tokens_count_as_well(connect: Connect) -> None:
    client = await connect("v", "o")
    wrong = [
        (await client.get("/verdict", headers={"Authorization": f"Bearer {n}"})).status for n in range(EACH + 1)
    ]

    assert wrong == [401] * EACH + [429]


async def test_a_wrong_token_says_so_on_the_page(connect: Connect) -> None:
    client = await connect("v", "o")
    said = {"token": "<b>", "next": "/cases", "form_token": await form_token(client)}
    answer = await client.post("/signin", data=said)
    page = await answer.text()

    assert answer.status == 401
    assert 'role="alert"' in page
    assert '<input type="hidden" name="next" value="/cases">' in page
    assert "&lt;b&gt;" not in page


async def test_without_tokens_there_is_nothing_to_sign_in_to(admin: Client) -> None:
    answer = await admin.get("/signin", allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (303, "/")
