"""Who may do what on the admin port. What each token opens is here; what is behind it is tested elsewhere."""

from __future__ import annotations

import pytest

from proxy.control.control import Control
from tests.control.fakes import Client, Connect
from verdict.rollout import Command, Stage

VIEWER, OPERATOR = {"Authorization": "Bearer v"}, {"Authorization": "Bearer o"}


@pytest.mark.parametrize(
    ("tokens", "headers", "read", "change"),
    [
        (("v", "o"), {}, 401, 401),
        (("v", "o"), VIEWER, 200, 403),
        (("v", "o"), OPERATOR, 200, 200),
        (("v", None), VIEWER, 200, 403),
        (("v", None), {}, 401, 403),
        ((None, "o"), {}, 200, 401),
        ((None, "o"), OPERATOR, 200, 200),
        ((None, None), {}, 200, 200),
    ],
)
async def test_who_reads_and_who_changes(
    connect: Connect, tokens: tuple[str | None, str | None], headers: dict[str, str], read: int, change: int
) -> None:
    admin = await connect(*tokens)

    assert (await admin.get("/stage", headers=headers)).status == read
    assert (await admin.post("/stage/hold", headers=headers)).status == change


@pytest.mark.parametrize("headers", [{"Host": "evil.example:8081"}, {"Origin": "http://evil.example"}])
async def test_without_a_token_a_page_in_a_browser_gets_nothing(admin: Client, headers: dict[str, str]) -> None:
    assert (await admin.get("/stage", headers=headers)).status in (403, 421)
    assert (await admin.post("/stage/rollback", headers=headers)).status in (403, 421)
    assert (await admin.get("/metrics", headers=headers)).status == 200


@pytest.mark.parametrize("host", ["localhost:8081", "127.0.0.1", "[::1]:8081"])
async def test_without_a_token_it_answers_to_an_address_and_to_localhost(admin: Client, host: str) -> None:
    assert (await admin.get("/stage", headers={"Host": host})).status == 200
    assert (await admin.get("/stage", headers={"Host": host, "Origin": f"http://{host}"})).status == 200


async def test_a_command_is_followed_refused_or_not_known(admin: Client, control: Control) -> None:
    rolled = await admin.post("/stage/rollback", json={"reason": "p99"})
    again = await admin.post("/stage/resume")
    unknown = await admin.post("/stage/restart")

    told = await rolled.json()
    assert (rolled.status, told["stage"], told["changes"][0]["reason"]) == (200, "rolled_back", "p99")
    assert (again.status, unknown.status) == (409, 404)
    assert "was rolled back; declare another" in (await again.json())["error"]["message"]
    assert control.rollout.stage is Stage.ROLLED_BACK


@pytest.mark.parametrize("body", ["{", "[]", '{"reason": 1}', '{"reason": ""}', '{"reason": "a\\nb"}'])
async def test_a_body_that_is_none_changes_nothing(admin: Client, control: Control, body: str) -> None:
    assert (await admin.post("/stage/rollback", data=body)).status == 400
    assert control.rollout.stage is Stage.SHADOW


@pytest.mark.parametrize("command", list(Command))
async def test_a_key_that_is_not_known_changes_nothing(admin: Client, control: Control, command: Command) -> None:
    response = await admin.post(f"/stage/{command}", json={"raeson": "x"})

    assert response.status == 400
    assert (await response.json())["error"]["message"] == "the body has no key 'raeson'; it may hold reason"
    assert control.rollout.stage is Stage.SHADOW


async def test_the_audit_log_is_read_in_pages(admin: Client) -> None:
    for command in ("hold", "resume", "rollback"):
        await admin.post(f"/stage/{command}", json={"reason": command})
    told = (await (await admin.get("/audit")).json())["entries"]
    page = (await (await admin.get(f"/audit?limit=1&before={told[1]['id']}")).json())["entries"]

    assert [entry["action"] for entry in told] == ["rollback", "resume", "hold", "begin"]
    assert [entry["reason"] for entry in page] == ["hold"]
    assert told[0]["evidence"][0]["name"] == "served"
    assert (await (await admin.get(f"/audit?before={10**30}")).json())["entries"] == told


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=5000", "limit should be a whole number from 1 to 1000"),
        ("limit=0", "limit should be a whole number from 1 to 1000"),
        ("limit=x", "limit should be a whole number from 1 to 1000"),
        ("before=zz", "before should be the number of an entry"),
        ("before=0", "before should be the number of an entry"),
        ("before=-1", "before should be the number of an entry"),
        ("log=all", "log should be one of rollout, cases"),
        ("foo=1", "there are limit, before, log"),
        ("log=cases&limit=0", "limit should be a whole number from 1 to 1000"),
    ],
)
async def test_what_the_audit_log_cannot_be_asked_is_said(admin: Client, query: str, words: str) -> None:
    response = await admin.get(f"/audit?{query}")

    assert response.status == 400
    assert words in (await response.json())["error"]["message"]
