"""The life of a process of any role: it starts, follows its file, and ends when it is asked to."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import structlog
from aiohttp import http_parser

from analyzers import registry
from proxy.config import Config
from proxy.config_warnings import warnings
from proxy.control.access import Tokens
from proxy.control.facts import identity_of
from proxy.processes import heap
from proxy.processes.plane import StartError
from proxy.processes.reload import Reloader
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry

NAME_ENV = "SLIPGAUGE_NAME"
"""What this process is called among the others of its role; the host's name where it is not set."""

_log = structlog.get_logger(__name__)


class Role(Protocol):
    """Start it, serve, stop it. Cancelling `stop` leaves what has been started to a further one."""

    telemetry: Telemetry
    config_status: Callable[[], Mapping[str, Any]]
    """What is told of the configuration file; nothing where there is none."""

    async def start(self) -> None:
        """Start everything. Raises StartError with nothing left running; cancelled, it stops first what runs."""
        ...

    async def stop(self) -> None:
        """Finish what was accepted, then end."""
        ...

    def turn_away(self) -> None:
        """Be ready no more, so that whoever looks at /readyz goes elsewhere."""
        ...

    def reload(self, config: Config) -> None:
        """Apply a checked configuration that needs no restart."""
        ...

    def addresses(self) -> Mapping[str, str]:
        """Where it listens, for the log."""
        ...


def own_name() -> str:
    """What this process is called among the others of its role."""
    return re.sub(r"[^\w.:+-]", "_", os.environ.get(NAME_ENV) or socket.gethostname(), flags=re.ASCII)[:100]


def require_c_parser() -> None:
    """Refuse aiohttp's fallback parser in Python, whose leniency was behind several request-smuggling advisories.

    Raises StartError.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError(
            "aiohttp runs without its C parser; install a wheel for this platform and unset AIOHTTP_NO_EXTENSIONS"
        )


def tokens_of(config: Config) -> Tokens:
    """The admin port's tokens."""
    viewer, operator = config.admin.viewer_token_env, config.admin.operator_token_env
    return Tokens(os.environ[viewer] if viewer else None, os.environ[operator] if operator else None)


def identity(config: Config) -> dict[str, str]:
    """What evidence belongs to by this process's own settings, but for what the servers say; see `identity_of`."""
    salt = os.environ[config.session.salt_env] if config.session.salt_env else ""
    return identity_of(config, registry.load(config.analysis.enabled), salt, {})


async def serve(role: Role, config: Config, file: Path) -> None:
    """Serve until SIGTERM or SIGINT, then drain; read `file` again on SIGHUP, or when it changes.

    `config` is what was read from it. A signal amid the start ends that, and drains what serves already; a second
    one ends the process at once. Raises StartError.
    """
    reloader = Reloader(file, config, role.reload, role.telemetry)
    role.config_status = reloader.status
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def stop(number: signal.Signals) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
        role.turn_away()
        _log.info("draining", signal=number.name)
        asked.set()

    loop.add_signal_handler(signal.SIGHUP, reloader.ask)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    for warning in warnings(config):
        _log.warning(warning)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    if not await _started(role, asked):
        return
    heap.settle()
    reloading = spawn(reloader.run(), name="reloader")
    _log.info(
        "serving",
        **role.addresses(),
        baseline=config.baseline.url,
        candidate=config.candidate.url,
        sample=config.mirror.sample,
    )
    try:
        await asked.wait()
    finally:
        await cancel(reloading)
        await role.stop()


async def _started(role: Role, asked: asyncio.Event) -> bool:
    """Start it, unless it is `asked` to stop before it has; whether it runs. Raises StartError."""
    starting = asyncio.get_running_loop().create_task(role.start(), name="start")  # its failure is the caller's
    asking = spawn(asked.wait(), name="asked")
    try:
        await asyncio.wait((starting, asking), return_when=asyncio.FIRST_COMPLETED)
    finally:
        asking.cancel()
        starting.cancel()  # it stops what it had started, which may take as long as draining does
        await asyncio.wait((starting,))
    if starting.cancelled():
        return False
    starting.result()
    return True
