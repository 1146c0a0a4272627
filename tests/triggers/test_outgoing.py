from __future__ import annotations

import asyncio
import base64
import hmac
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.config import Config
from proxy.config_rollout import Triggers, Webhook
from proxy.control.keeper import Keeper
from proxy.control.triggers import outgoing
from proxy.control.triggers.outgoing import last_told, signature, tell
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from tests.processes.stand import alive
from verdict.rollout import Command

SECRET = "whsec_" + base64.b64encode(b"a secret of some length").decode()


async def until(holds: Callable[[], bool]) -> None:
    """Wait for others; the test's own timeout ends it."""
    while not holds():  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.01)


class Receiver:
    """Takes webhooks, and answers with these statuses in turn, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.taken: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self.server = TestServer(app)

    async def _take(self, request: web.Request) -> web.Response:
        self.taken.put_nowait((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        headers, body = await self.taken.get()
        return headers, json.loads(body)


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(*statuses)
    await receiver.server.start_server()
    yield receiver
    await receiver.server.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "FIRST_PAUSE", 0.01)
    monkeypatch.setenv("HOOK", SECRET)


@asynccontextmanager
async def telling(
    config: Config, keeper: Keeper, telemetry: Telemetry, *, since: int = 1, **triggers: Any
) -> AsyncIterator[None]:
    config = config.model_copy(update={"triggers": Triggers(**triggers)})
    task = spawn(tell(config, keeper, telemetry, since=since, instance="abc"), name="triggers")
    yield
    await cancel(task)


def counted(telemetry: Telemetry, kind: str) -> dict[str, float | None]:
    value = telemetry.registry.get_sample_value
    name = "slipgauge_notifications_total"
    return {r: value(name, {"kind": kind, "result": r}) for r in ("delivered", "failed", "given_up")}


async def hold(keeper: Keeper, reason: str) -> None:
    await keeper.command(Command.HOLD, by="operator", reason=reason)


async def test_a_change_is_told_signed_with_its_evidence_and_a_key(config: Config, keeper: Keeper) -> None:
    async with receiving() as receiver:
        hook = Webhook(url=str(receiver.server.make_url("/hook")), secret_env="HOOK")
        async with telling(config, keeper, Telemetry(), webhooks=(hook,)):
            await hold(keeper, "weekend")
            headers, body = await receiver.next()

    assert (body["type"], body["id"], body["reason"], body["by"]) == ("rollout.hold", 2, "weekend", "operator")
    assert body["evidence"][0]["name"] == "served"
    assert headers["Idempotency-Key"] == headers["webhook-id"] == "abc-2"
    raw = json.dumps(body, separators=(",", ":")).encode()
    signed = f"abc-2.{headers['webhook-timestamp']}.".encode() + raw
    expected = hmac.digest(b"a secret of some length", signed, sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


@pytest.mark.parametrize(
    "junk", [b"", b"junk", b"-1", b"1.5", b"[]", b"9" * 5_000, b"6", b"\xc2\xb2", b"9223372036854775808"]
)
def test_junk_in_the_store_for_how_far_one_was_told_is_dropped(junk: bytes) -> None:
    assert last_told(junk, since=5) == 5


def test_how_far_one_was_told_is_read() -> None:
    assert [last_told(stored, since=5) for stored in (None, b"0", b"3", b"5")] == [5, 0, 3, 5]


def test_the_signature_is_the_one_of_the_published_example() -> None:
    """The example of the Standard Webhooks specification's reference implementations."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'

    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


async def test_what_fails_is_tried_again_with_the_same_key_and_in_order(config: Config, keeper: Keeper) -> None:
    telemetry = Telemetry()
    async with receiving(503, 429, 200) as receiver:
        hook = Webhook(url=str(receiver.server.make_url("/hook")))
        async with telling(config, keeper, telemetry, webhooks=(hook,)):
            await hold(keeper, "one")
            await hold(keeper, "two")
            told = [await receiver.next() for _ in range(4)]

    assert [(headers["Idempotency-Key"], body["reason"]) for headers, body in told] == [
        ("abc-2", "one"),
        ("abc-2", "one"),
        ("abc-2", "one"),
        ("abc-3", "two"),
    ]
    assert "webhook-signature" not in told[0][0]
    assert counted(telemetry, "webhook")["failed"] == 2


async def test_what_no_other_attempt_would_mend_is_given_up(config: Config, keeper: Keeper) -> None:
    telemetry = Telemetry()
    async with receiving(404) as receiver:
        hook = Webhook(url=str(receiver.server.make_url("/hook")))
        async with telling(config, keeper, telemetry, webhooks=(hook,)):
            await hold(keeper, "one")
            await hold(keeper, "two")
            told = [await receiver.next() for _ in range(2)]

    assert [body["reason"] for _, body in told] == ["one", "two"]
    assert counted(telemetry, "webhook")["given_up"] == 1


async def test_one_that_is_dead_does_not_hold_up_another_and_is_told_after_a_restart(
    config: Config, keeper: Keeper
) -> None:
    async with receiving() as receiver, receiving() as late:
        port = late.server.port
        await late.server.close()
        urls = str(receiver.server.make_url("/hook")), f"http://127.0.0.1:{port}/hook"
        hooks = tuple(Webhook(url=url) for url in urls)
        async with telling(config, keeper, Telemetry(), webhooks=hooks):
            await hold(keeper, "one")
            assert (await receiver.next())[1]["reason"] == "one"
            await until(lambda: keeper.recall(outgoing.cursor(urls[0])) == b"2")
        back = Receiver()
        back.server = TestServer(back.server.app, port=port)
        await back.server.start_server()
        async with telling(config, keeper, Telemetry(), since=2, webhooks=hooks):
            await hold(keeper, "two")
            assert (await back.next())[1]["reason"] == "one"
            assert (await receiver.next())[1]["reason"] == "two"
        await back.server.close()


PROGRAM = """
import json, os, sys
change = json.load(sys.stdin)
told = [change["type"], os.environ["SLIPGAUGE_ACTION"], os.environ["SLIPGAUGE_STAGE"], os.environ["SLIPGAUGE_ID"]]
first = not os.path.exists(sys.argv[1])
with open(sys.argv[1], "a") as file:
    print(*told, "HOOK" in os.environ, file=file)
sys.exit(first)
"""


async def test_a_command_reads_the_change_knows_no_secret_and_is_run_again_where_it_fails(
    config: Config, keeper: Keeper, tmp_path: Path
) -> None:
    out, telemetry = tmp_path / "out", Telemetry()
    line = (sys.executable, "-c", PROGRAM, str(out))
    hook = Webhook(url="http://127.0.0.1:1/", secret_env="HOOK")
    async with telling(config, keeper, telemetry, command=line, webhooks=(hook,)):
        await hold(keeper, "one")
        await until(lambda: counted(telemetry, "command")["delivered"] == 1)

    assert out.read_text() == 2 * "rollout.hold hold shadow abc-2 False\n"
    assert counted(telemetry, "command") == {"delivered": 1, "failed": 1, "given_up": 0}


async def test_a_command_that_does_not_end_is_killed_with_all_that_it_started(
    config: Config, keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "COMMAND_TIMEOUT", 2.0)  # it has to have started something by then
    monkeypatch.setattr(outgoing, "ATTEMPTS", 1)
    telemetry, pid = Telemetry(), tmp_path / "pid"
    line = ("/bin/sh", "-c", f"sleep 600 & echo $! > {pid}; wait")
    async with telling(config, keeper, telemetry, command=line):
        await hold(keeper, "one")
        await until(lambda: counted(telemetry, "command")["given_up"] == 1)
    await until(lambda: not alive(int(pid.read_text())))
