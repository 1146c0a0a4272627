"""Applies a changed `config.yaml` to a running deployment: whole, or not at all.

Read on SIGHUP, and where `gateway.watch_config` asks for it whenever its text, or a certificate that it names,
has changed: Kubernetes changes a mounted file and sends no signal. What is wrong, or needs a restart, is logged
with its path and changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from proxy import tls
from proxy.config import Config
from proxy.config_checks import Problem
from proxy.config_file import ConfigError, load, read
from proxy.telemetry import Telemetry

RESTART = (
    "listen",
    "admin",
    "gateway.workers",
    "limits",
    "analysis",
    "session.salt_env",
    "candidate.revision",
    "guardrails",
)
"""Keys and sections whose change needs a restart: ports, processes, and what evidence belongs to."""

_log = structlog.get_logger(__name__)


def needs_restart(active: Config, wanted: Config) -> Iterator[Problem]:
    """What differs and cannot change while running. Pure."""
    old, new = active.model_dump(), wanted.model_dump()
    for path in RESTART:
        for key, before, after in _differences(_at(old, path), _at(new, path), path):
            yield Problem(key, f"found {_shown(after)}, runs with {_shown(before)}; restart to change it")
    if (active.tls.cert_file is None) != (wanted.tls.cert_file is None):
        yield Problem("tls", "comes or goes; restart to change whether the data port speaks HTTPS")


def _at(tree: Any, path: str) -> Any:
    for step in path.split("."):
        tree = tree[step]
    return tree


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from _differences(old.get(name), new.get(name), f"{path}.{name}")
    elif old != new:
        yield path, old, new


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


class Reloader:
    """One file and the configuration made of it. `apply` is called with a checked one and must not fail.

    Args:
        path: The file.
        active: What was read from it at the start.
        apply: Brings a configuration into force.
        telemetry: Where each look that found something is counted.
    """

    def __init__(self, path: Path, active: Config, apply: Callable[[Config], None], telemetry: Telemetry) -> None:
        self.active = active
        self._path = path
        self._apply = apply
        self._telemetry = telemetry
        self._asked = asyncio.Event()
        self._certificates = tls.digest(active)
        self._since = datetime.now(UTC)
        self._error: str | None = None
        for result in ("applied", "unchanged", "refused"):
            telemetry.config_reloads.labels(result)

    def ask(self) -> None:
        """Read the file again, soon."""
        self._asked.set()

    def status(self) -> dict[str, Any]:
        """What `GET /stage` tells: the file, since when what it said is active, and why it was refused last."""
        return {"file": str(self._path), "active_since": self._since.isoformat(), "refused": self._error}

    async def run(self) -> None:
        """Look when asked, and now and then where the configuration says so. Ends by cancellation."""
        last: str | None = ""
        while True:
            asked = await self._wait()
            seen = await asyncio.to_thread(self._digest)
            certificates = await asyncio.to_thread(tls.digest, self.active)
            renewed = certificates != self._certificates
            if asked or renewed or seen != last:
                last, self._certificates = seen, certificates
                await self._look(anew=asked or renewed)

    async def _wait(self) -> bool:
        """Until somebody asks, which is True, or it is time to see whether the file has changed."""
        try:
            async with asyncio.timeout(self.active.gateway.watch_config or None):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    def _digest(self) -> str | None:
        try:
            return hashlib.sha256(read(self._path).encode()).hexdigest()
        except ConfigError:
            return None

    def _wanted(self) -> tuple[Config, bytes]:
        """The file's configuration and its certificates' digest, taken before they are used.

        Raises ConfigError, also where it needs a restart.
        """
        wanted = load(self._path)
        if problems := tuple(needs_restart(self.active, wanted)):
            raise ConfigError(str(self._path), problems)
        return wanted, tls.digest(wanted)

    async def _look(self, *, anew: bool) -> None:
        """Apply what the file says if it has changed, or in any case: a certificate may have been renewed."""
        try:
            wanted, certificates = await asyncio.to_thread(self._wanted)
            changed = wanted != self.active
            if changed or anew:
                self._apply(wanted)
        except ConfigError as error:
            self._refuse(error)
            return
        except Exception as error:  # such as a certificate that has gone since it was checked
            self._refuse(ConfigError(str(self._path), (Problem("", f"cannot be applied: {error}"),)))
            return
        self._error, self._certificates = None, certificates
        if changed:
            self.active, self._since = wanted, datetime.now(UTC)
        if changed or anew:
            _log.info("configuration read", changed=changed)
            self._telemetry.config_reloads.labels("applied" if changed else "unchanged").inc()

    def _refuse(self, error: ConfigError) -> None:
        self._error = str(error)
        for problem in error.problems:
            _log.error("configuration refused", path=problem.path, problem=problem.message)
        self._telemetry.config_reloads.labels("refused").inc()
