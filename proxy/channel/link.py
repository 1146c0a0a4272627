"""The connection to the NATS servers: found, kept, and found again, however long they are away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError
from nats.js.kv import KeyValue

from proxy.channel.names import Names
from proxy.config_channel import Nats
from proxy.tasks import cancel, spawn
from proxy.tls import nats_context

TIMEOUT = 2.0
"""Seconds that one request may take."""
AGAIN = 0.25
"""Seconds until what failed is tried again."""
CUT_OFF = 4.0
"""Seconds without any answer from JetStream after which another server is tried: this one may be cut off."""
SILENT = (TimeoutError, asyncio.TimeoutError, NoRespondersError, NoStreamResponseError, ServiceUnavailableError)
"""How it shows that nobody is there to answer."""
FAILURES = (NatsError, OSError, *SILENT)
"""All that a request may fail with."""
SETTINGS = ("num_replicas", "max_bytes", "max_age", "duplicate_window")
"""Of a stream, those that the configuration decides."""
CHANGES = {
    10005: "channel.nats.replicas asks for more servers than this cluster has with JetStream",
    10047: "channel.nats.stream_bytes is more than the servers have room for (max_file_store)",
    10074: "channel.nats.replicas needs a cluster; one server alone takes 1",
}
"""What is wrong where a server does not make a stream, by its error's code."""

if TYPE_CHECKING:
    from nats.js.api import StreamConfig

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class _Client(Client):
    """nats-py encrypts only where the server says that it must; whoever stands between can leave that out."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - as nats-py has it
        """What the server says of itself, before anything is sent to it."""
        server = self._current_server
        if initial_connection and server and server.uri.scheme == "tls" and not info.get("tls_required"):
            raise NatsError(f"tls://{server.uri.netloc} speaks no TLS, so it is told nothing; have it ask for TLS")
        await super()._process_info(info, initial_connection)


class Link:
    """Use `start` and `close`; what is asked for between goes through `ask`.

    `role` says in the servers' own monitoring who this is. Raises TlsError where a file for TLS cannot be used.
    """

    def __init__(self, settings: Nats, role: str) -> None:
        self.names = Names(settings)
        self.ready = asyncio.Event()
        """Set once the streams and the bucket were there; never cleared."""
        self.timeout = TIMEOUT
        self._settings = settings
        self._role = role
        encrypted = any(server.startswith("tls://") for server in settings.servers)
        self._tls = nats_context(settings.tls) if encrypted else None
        self.client = _Client()
        self._js = JetStreamContext(self.client, timeout=TIMEOUT)
        self._bucket: KeyValue | None = None
        self._answered = time.monotonic()
        self._connecting: asyncio.Task[None] | None = None
        self._said: str | None = None
        self._anew = asyncio.Event()
        """Set at each connection, and where a stream does not answer: it may be there no more."""

    @property
    def js(self) -> JetStreamContext:
        """The streams."""
        return self._js

    @property
    def bucket(self) -> KeyValue:
        """The bucket, once the link is `ready`."""
        if self._bucket is None:
            raise NoRespondersError
        return self._bucket

    @property
    def up(self) -> bool:
        """Whether a server is connected, and what is needed was found on it."""
        return self.ready.is_set() and self.client.is_connected

    def start(self) -> None:
        """Begin to look for the servers, and go on until there is one."""
        self._connecting = spawn(self._connect(), name="nats")

    async def close(self) -> None:
        """End the connection. Safe to call twice."""
        if self._connecting is not None:
            await cancel(self._connecting)
        with contextlib.suppress(*FAILURES):
            await asyncio.wait_for(self.client.close(), TIMEOUT)

    async def ask(self, request: Awaitable[T]) -> T:
        """Await a request. A server of which nothing comes any more is left for another. Raises as it does."""
        try:
            answer = await request
        except SILENT as error:
            if isinstance(error, NoStreamResponseError):
                self._anew.set()
            await self._unanswered()
            raise
        except APIError:
            self._answered = time.monotonic()
            raise
        self._answered = time.monotonic()
        return answer

    async def _unanswered(self) -> None:
        if self.client.is_connected and time.monotonic() - self._answered > CUT_OFF:
            self._answered = time.monotonic()
            _log.warning("no answer from JetStream, so another server is tried", server=self._server())
            with contextlib.suppress(*FAILURES):
                await self.client.force_reconnect()

    async def _connect(self) -> None:
        settings = self._settings
        while not self.client.is_connected:
            try:
                await self.client.connect(
                    servers=list(settings.servers),
                    name=f"slipgauge {self._role}",
                    user_credentials=Path(settings.credentials_file) if settings.credentials_file else None,
                    user=settings.user,
                    password=_secret(settings.password_env),
                    token=_secret(settings.token_env),
                    tls=self._tls,
                    connect_timeout=2,
                    reconnect_time_wait=1,
                    max_reconnect_attempts=-1,
                    ping_interval=2,
                    max_outstanding_pings=2,
                    error_cb=self._failed,
                    disconnected_cb=self._gone,
                    reconnected_cb=self._back,
                )
            except (*FAILURES, ValueError) as error:
                await self._failed(error)
                await asyncio.sleep(AGAIN)
        await self._back()
        while True:
            await self._anew.wait()
            self._anew.clear()
            await self._find()  # each time: a server may have come back without its disk
            await asyncio.sleep(AGAIN)

    async def _find(self) -> None:
        """Have what is needed on the servers, as soon as they let us."""
        while True:
            try:
                await self._prepare()
            except FAILURES as error:
                self._say(f"the streams cannot be made or found: {_words(error)}")
                await asyncio.sleep(AGAIN)
            else:
                self.ready.set()
                return

    async def _prepare(self) -> None:
        """Make the streams and the bucket, or find them; those of other settings stay as they are."""
        for stream in self.names.streams():
            try:
                await self.ask(self._js.add_stream(stream))
            except APIError as error:
                if not _exists(error):
                    raise
                await self._keep(stream)
        try:
            self._bucket = await self.ask(self._js.create_key_value(self.names.bucket()))
        except APIError as error:
            if not _exists(error):
                raise
            self._bucket = await self.ask(self._js.key_value(self.names.state))

    async def _keep(self, wanted: StreamConfig) -> None:
        """Go on with a stream of this name that has other settings; NatsError where it is not ours at all."""
        found = (await self.ask(self._js.stream_info(str(wanted.name)))).config
        if set(found.subjects or ()) != set(wanted.subjects or ()):
            raise NatsError(
                f"a stream called {wanted.name} is there for other subjects; choose another channel.nats.prefix"
            )
        _log.warning(
            "a stream has other settings than channel.nats says, and keeps them; change it with the `nats` command",
            stream=wanted.name,
            **{
                name: f"{getattr(found, name)}, not {getattr(wanted, name)}"
                for name in SETTINGS
                if getattr(wanted, name) is not None and getattr(found, name) != getattr(wanted, name)
            },
        )

    async def _failed(self, error: Exception) -> None:
        self._say(_words(error))

    async def _gone(self) -> None:
        if not self.client.is_closed:
            self._say("the connection is lost")

    async def _back(self) -> None:
        self._answered, self._said = time.monotonic(), None
        self._anew.set()
        _log.info("connected to NATS", server=self._server())

    def _say(self, problem: str) -> None:
        """Log a problem once, however often it comes."""
        if problem != self._said:
            self._said = problem
            _log.warning("NATS is not there", problem=problem, servers=self._settings.servers)

    def _server(self) -> str:
        url = self.client.connected_url
        return url.netloc.rpartition("@")[2] if url is not None else "none"


def _secret(variable: str | None) -> str | None:
    return None if variable is None else os.environ[variable]


def _words(error: Exception) -> str:
    """What has failed and, where that is known, what would be right."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ServiceUnavailableError) and error.description is None:
        return "no JetStream answers there; nats-server needs -js"
    if isinstance(error, APIError):
        change = CHANGES.get(error.err_code or 0)
        return f"{error.description}: {change}" if change else str(error.description)
    return str(error) or type(error).__name__


def _exists(error: APIError) -> bool:
    return error.err_code == 10058  # stream name already in use with a different configuration
