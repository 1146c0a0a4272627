"""Tells others of every change of the rollout: by webhook, signed, or by running a command.

Each target is told by itself, in the order of the audit log, at least once. How far it has been told is kept in
the store, and what fails is tried again with growing pauses. The number of a change is its idempotency key, so who
is told twice, as after a crash between the telling and the noting, can know.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import sha256

import aiohttp
import orjson
import structlog

from proxy.config import Config
from proxy.control.keeper import Keeper
from proxy.control.store import Logged, StoreError
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

TIMEOUT = 10.0
COMMAND_TIMEOUT = 60.0
FIRST_PAUSE, MOST_PAUSE = 1.0, 300.0
ATTEMPTS = 15
"""About 45 minutes with these pauses; then it is given up, and the next change is told."""
LOOK_EVERY = 30.0
"""Seconds after which the log is read again although nobody said that it has grown."""

Deliver = Callable[[str, bytes], Awaitable[str | None]]
"""Given an idempotency key and a body, tells one target: None where it was told, else what went wrong. With RETRY
before it where another attempt may do better."""
RETRY = "again: "

_log = structlog.get_logger(__name__)


def body_of(logged: Logged) -> bytes:
    """What a target is told, as JSON."""
    return orjson.dumps({"type": f"rollout.{logged.entry.action}", **logged.row()})


def signature(secret: str, key: str, sent_at: int, body: bytes) -> str:
    """HMAC-SHA256 over `key.sent_at.body`, as Standard Webhooks has it (https://www.standardwebhooks.com).

    A secret that begins with `whsec_` is base64 behind it; any other is taken as it is.
    """
    raw = secret.encode()
    if secret.startswith("whsec_"):
        with contextlib.suppress(ValueError):
            raw = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = b"%b.%d.%b" % (key.encode(), sent_at, body)
    return "v1," + base64.b64encode(hmac.digest(raw, signed, sha256)).decode()


def webhook(session: aiohttp.ClientSession, url: str, secret: str | None) -> Deliver:
    """Tells by POST. Any 2xx is taken for told; 408, 429, 5xx and no answer are worth another attempt."""

    async def deliver(key: str, body: bytes) -> str | None:
        now = int(time.time())
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "webhook-id": key}
        if secret is not None:
            headers |= {"webhook-timestamp": str(now), "webhook-signature": signature(secret, key, now, body)}
        limit = aiohttp.ClientTimeout(total=TIMEOUT)
        try:
            async with session.post(
                url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                if response.status < 300:
                    return None
                again = RETRY if response.status >= 500 or response.status in (408, 429) else ""
                return f"{again}it answers {response.status}"
        except TimeoutError:
            return f"{RETRY}it is silent for {TIMEOUT:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return f"{RETRY}it cannot be reached ({type(error).__name__})"

    return deliver


def command(line: Sequence[str], secrets: frozenset[str]) -> Deliver:
    """Tells by running a program that reads the change from its standard input. Its exit code 0 means told.

    It gets this process's environment but for `secrets`, and SLIPGAUGE_ACTION, SLIPGAUGE_STAGE and SLIPGAUGE_ID.
    """

    async def deliver(key: str, body: bytes) -> str | None:
        told = orjson.loads(body)
        environ = {name: value for name, value in os.environ.items() if name not in secrets}
        environ |= {"SLIPGAUGE_ACTION": told["action"], "SLIPGAUGE_STAGE": told["stage"], "SLIPGAUGE_ID": key}
        try:
            process = await asyncio.create_subprocess_exec(
                *line, stdin=asyncio.subprocess.PIPE, env=environ, start_new_session=True
            )
        except OSError as error:
            return f"{RETRY}it cannot be run: {error.strerror}"
        try:
            await asyncio.wait_for(process.communicate(body), COMMAND_TIMEOUT)
        except TimeoutError:
            return f"{RETRY}it has not ended after {COMMAND_TIMEOUT:g} s"
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return None if process.returncode == 0 else f"{RETRY}it ended with {process.returncode}"

    return deliver


def cursor(name: str) -> str:
    """Where the store keeps how far a target has been told."""
    return f"told.{sha256(name.encode()).hexdigest()[:16]}"


def last_told(stored: bytes | None, since: int) -> int:
    """The number of the last change that was told, as the store has it; `since` where there is none, or junk."""
    if stored is None:
        return since
    if stored.isdigit() and len(stored) <= 19 and int(stored) <= since:
        return int(stored)
    _log.error("how far a target was told cannot be read, so it is told of what comes")
    return since


class Told:
    """How far one target has been told. `kind` is `webhook` or `command`, `name` what the store knows it by.

    `since` is the number of the last change there is, of which one new to the store is not told; `instance` tells
    the keys of several deployments apart.
    """

    def __init__(
        self, keeper: Keeper, telemetry: Telemetry, kind: str, name: str, *, since: int, instance: str
    ) -> None:
        self._keeper = keeper
        self._kind = kind
        self._cursor = cursor(name)
        self._instance = instance
        self._last = last_told(keeper.recall(self._cursor), since)
        self._note(self._last)  # so that who was never reached is not new to the next start
        self._count = telemetry.notifications
        for result in ("delivered", "failed", "given_up"):
            self._count.labels(kind, result)

    async def follow(self, deliver: Deliver) -> None:
        """Tell of every change by `deliver`, for ever. Ends by cancellation."""
        while True:
            grown = self._keeper.grown
            try:
                entries = await self._keeper.audit(after=self._last, limit=20)
            except StoreError:
                entries = []
            for logged in entries:
                await self._tell(logged, deliver)
                self._note(logged.id)
            if not entries:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(grown), LOOK_EVERY)

    def _note(self, last: int) -> None:
        self._last = last
        self._keeper.remember(self._cursor, b"%d" % last)

    async def _tell(self, logged: Logged, deliver: Deliver) -> None:
        key, body = f"{self._instance}-{logged.id}", body_of(logged)
        for attempt in range(ATTEMPTS):
            try:
                problem = await deliver(key, body)
            except Exception as error:
                problem = f"{RETRY}{type(error).__name__}"
            if problem is None:
                self._count.labels(self._kind, "delivered").inc()
                return
            if not problem.startswith(RETRY):
                break
            self._count.labels(self._kind, "failed").inc()
            _log.warning("not told of a change", kind=self._kind, id=logged.id, problem=problem)
            await asyncio.sleep(min(FIRST_PAUSE * 2**attempt, MOST_PAUSE))
        self._count.labels(self._kind, "given_up").inc()
        _log.error("not told of a change, and given up", kind=self._kind, id=logged.id)


def secrets_in(config: Config) -> frozenset[str]:
    """The environment variables that hold secrets."""
    arms, admin = (config.baseline, config.candidate), config.admin
    names = (
        *(arm.api_key_env for arm in arms),
        *(hook.secret_env for hook in config.triggers.webhooks),
        config.session.salt_env,
        admin.viewer_token_env,
        admin.operator_token_env,
        config.analysis.gold_token_env,
        config.tracing.headers_env,
        *((nats.password_env, nats.token_env) if (nats := config.channel.nats) is not None else ()),
    )
    return frozenset(name for name in names if name is not None)


async def tell(config: Config, keeper: Keeper, telemetry: Telemetry, *, since: int, instance: str) -> None:
    """Tell everybody whom the configuration names, until cancelled. See `Told`."""
    triggers, told = config.triggers, partial(Told, keeper, telemetry, since=since, instance=instance)
    async with aiohttp.ClientSession() as session:
        tasks = []
        for hook in triggers.webhooks:
            deliver = webhook(session, hook.url, os.environ[hook.secret_env] if hook.secret_env else None)
            tasks.append(spawn(told("webhook", hook.url).follow(deliver), name="webhook"))
        if line := triggers.command:
            follow = told("command", " ".join(line)).follow(command(line, secrets_in(config)))
            tasks.append(spawn(follow, name="command"))
        try:
            await asyncio.gather(*tasks)
        finally:
            await cancel(*tasks)
