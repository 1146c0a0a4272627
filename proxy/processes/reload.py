"""Applies a changed `config.yaml` to a running deployment: whole, or not at all.

Read on SIGHUP, and where `gateway.watch_config` asks for it whenever its text, or a certificate that it names,
has changed: Kubernetes changes a mounted file and sends no signal. A file that is still being written, cut off at
the end of a line, may be good YAML that means something else, so a change that nobody tells of counts once two
looks in a row have found the same. What is wrong, or needs a restart, is logged with its path and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

from proxy import tls
from proxy.config import Config
from proxy.config_checks import Problem
from proxy.config_file import ConfigError, parse, read
from proxy.telemetry import Telemetry

RESTART = (
    "listen",
    "admin",
    "gateway.workers",
    "limits",
    "analysis",
    "probes",
    "session.salt_env",
    "session.ttl",
    "clients",
    "segments",
    "candidate.revision",
    "guardrails",
    "verdict",
    "store",
    "channel",
    "triggers",
    "cases.path",
    "cases.uniform",
    "cases.stratum",
    "cases.count",
    "cases.bytes",
    "cases.age",
    "cases.store_text",
    "cases.redactor",
    "cases.queue_bytes",
    "rollout.silence",
    "tracing",
)
"""Keys and sections whose change needs a restart: ports, processes, the pool, and what evidence belongs to.

Whoever asks to be kept no longer waits for no restart: the lists in `cases` of those who are left out are not here.
"""

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


class Found(NamedTuple):
    """One look: what the file says, or why it cannot be read, and the certificates that are in force."""

    text: str
    problems: tuple[Problem, ...]
    certificates: bytes


class Looks:
    """Which looks at the file are to be acted on. Pure."""

    def __init__(self) -> None:
        self.last: Found | None = None
        """What the last look found."""
        self._acted: Found | None = None

    def counts(self, found: Found, *, asked: bool) -> bool:
        """Whether to act on what was `found`: always where somebody asked, else once it stands still and is new."""
        still, self.last = found == self.last, found
        if not asked and (not still or found == self._acted):
            return False
        self._acted = found
        return True


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
        self.looks = Looks()
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
        while True:
            asked = await self._wait()
            found = await asyncio.to_thread(self._found)
            if self.looks.counts(found, asked=asked):
                renewed = found.certificates != self._certificates
                self._certificates = found.certificates
                await self._act(found, anew=asked or renewed)

    async def _wait(self) -> bool:
        """Until somebody asks, which is True, or it is time to see whether the file has changed."""
        try:
            async with asyncio.timeout(self.active.gateway.watch_config or None):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    def _found(self) -> Found:
        certificates = tls.digest(self.active)
        try:
            return Found(read(self._path, wait=False), (), certificates)
        except ConfigError as error:
            return Found("", error.problems, certificates)

    def _wanted(self, found: Found) -> tuple[Config, bytes]:
        """The configuration of what was found and its certificates' digest, taken before they are used.

        Raises ConfigError, also where it needs a restart.
        """
        if found.problems:
            raise ConfigError(str(self._path), found.problems)
        wanted = parse(found.text, source=str(self._path))
        if problems := tuple(needs_restart(self.active, wanted)):
            raise ConfigError(str(self._path), problems)
        return wanted, tls.digest(wanted)

    async def _act(self, found: Found, *, anew: bool) -> None:
        """Apply what the file says if it has changed, or in any case: a certificate may have been renewed."""
        try:
            wanted, certificates = await asyncio.to_thread(self._wanted, found)
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
