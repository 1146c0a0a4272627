from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.config import Arm, Config, ModelNames
from proxy.control import fingerprint as module
from proxy.control.control import Control
from proxy.control.fingerprint import MAX_BYTES, describe, fingerprint, watch
from proxy.tasks import cancel, spawn

VERSION = {"version": "0.32.0"}
MODELS = {
    "object": "list",
    "data": [
        {"id": "m", "object": "model", "created": 1764061951, "root": "org/int4", "max_model_len": 8192},
        {"id": "lora", "object": "model", "root": "org/lora", "max_model_len": None},
    ],
}


@asynccontextmanager
async def server(answers: dict[str, Callable[[web.Request], web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    for path, answer in answers.items():

        async def handle(
            request: web.Request, answer: Callable[[web.Request], web.Response] = answer
        ) -> web.Response:
            return answer(request)

        app.router.add_get(path, handle)
    made = TestServer(app)
    await made.start_server()
    yield str(made.make_url(""))
    await made.close()


def saying(version: Any = VERSION, models: Any = MODELS) -> dict[str, Callable[[web.Request], web.Response]]:
    return {
        "/version": lambda _: web.json_response(version),
        "/v1/models": lambda _: web.json_response(models),
    }


@pytest.mark.parametrize(
    ("version", "models", "words"),
    [
        (VERSION, MODELS, "version 0.32.0, m=org/int4 8192"),
        (None, MODELS, "m=org/int4 8192"),
        (VERSION, None, "version 0.32.0"),
        ({"version": 1}, {"data": [{"id": "m"}]}, "m"),
        ([], {"data": "x"}, ""),
        ("x", {"data": [1, {"id": "other"}]}, ""),
        ({"version": "a b\n" + "c" * 500}, None, "version a_b_" + "c" * 196),
        (None, {"data": [{"id": "m"}, {"id": "m"}]}, "m"),
    ],
)
def test_what_a_server_says_is_put_in_a_few_plain_words(version: Any, models: Any, words: str) -> None:
    assert describe(version, models, {"m"}) == words


def test_however_much_a_server_says_it_stays_a_few_words_that_change_with_it() -> None:
    listed = {"data": [{"id": "m", "root": f"org/{number}"} for number in range(10_000)]}
    words = describe(VERSION, listed, {"m"})
    listed["data"][-1]["root"] = "org/other"

    assert len(words) < 1_100
    assert describe(VERSION, listed, {"m"}) != words


async def test_when_a_server_was_asked_is_no_part_of_it_and_its_key_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEY", "sesame")
    asked: list[str | None] = []

    def models(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization"))
        data = [MODELS["data"][0] | {"created": len(asked)}]  # type: ignore[operator]
        return web.json_response({"data": data})

    async with server({**saying(), "/v1/models": models}) as url:
        arm = Arm(url=(url,), api_key_env="KEY")
        told = {await fingerprint(arm, ["m"]) for _ in range(2)}

    assert told == {"version 0.32.0, m=org/int4 8192"}
    assert asked == ["Bearer sesame"] * 2


@pytest.mark.parametrize(
    "broken",
    [
        lambda _: web.Response(status=503),
        lambda _: web.Response(status=401),
        lambda _: web.Response(body=b"{"),
        lambda _: web.Response(body=b" " * (MAX_BYTES + 1)),
    ],
)
async def test_a_server_that_tells_half_now_tells_nothing(broken: Callable[[web.Request], web.Response]) -> None:
    async with server({**saying(), "/v1/models": broken}) as url:
        assert await fingerprint(Arm(url=(url,)), ["m"]) is None


async def test_servers_that_differ_all_stand_in_it_and_one_that_is_away_does_not() -> None:
    async with server(saying()) as one, server(saying({"version": "0.33.0"})) as other, server(saying()) as same:
        arm = Arm(url=(other, one, same, "http://127.0.0.1:1"))
        told = await fingerprint(arm, ["m"])
    async with server({}) as silent:
        nothing = await fingerprint(Arm(url=(silent,)), ["m"])

    assert told == "version 0.32.0, m=org/int4 8192 | version 0.33.0, m=org/int4 8192"
    assert nothing is None


async def test_a_candidate_that_is_another_one_under_the_same_revision_holds_the_rollout(
    config: Config, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)
    served = {"version": "0.32.0"}
    control.begin()
    changed = asyncio.Event()

    async def told(fingerprints: dict[str, str | None]) -> None:
        control.fingerprints = fingerprints
        if control.begin():
            changed.set()
        served["version"] = "0.33.0"

    async with server({**saying(), "/version": lambda _: web.json_response(served)}) as url:
        known = config.model_copy(
            update={
                "candidate": config.candidate.model_copy(update={"url": (url,)}),
                "models": {"client's name": ModelNames(candidate="m")},
            }
        )
        watching = spawn(watch(lambda: known, told), name="watch")
        await changed.wait()
        await cancel(watching)

    expected = "candidate.server was version 0.32.0, m=org/int4 8192 and is version 0.33.0, m=org/int4 8192"
    assert expected in str(control.rollout.held)
