"""Keeps the store up to date and the gateways where the stage has them. Control decides; this does what it says.

Several times a second control is asked what is to be done. What it decides is committed with the evidence it
rests on, and only then do the gateways follow. A disk that is full, broken or slow never keeps traffic from going
back to the baseline: it keeps the candidate from more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import structlog

from proxy.control.control import Control
from proxy.control.store import Batch, Entry, Logged, Store, StoreError
from verdict.rollout import Action, Change, Command, Stage

PERIOD = 0.2
"""Seconds between two looks."""
SAVE_EVERY = 0.5
"""Seconds after which what has come in is committed, whatever was decided."""
SAVE_LATEST = 5.0
"""Seconds after which the time that has passed is committed, where nothing has come in."""
DISK_TIMEOUT = 0.5
"""Seconds that a decision waits for the disk."""
MOST_UNSAVED = 100_000
"""Most session keys, and most entries of the audit log, that wait for a disk."""
RISES = frozenset({Action.ADVANCE, Action.PROMOTE, Action.RESUME})
"""What is undone where it cannot be made durable."""
UNDONE = "undone"
"""The action of an entry that says so."""

_log = structlog.get_logger(__name__)


class UnwrittenError(StoreError):
    """What was decided is followed, and a control that starts before it can be written does not know of it."""


async def _nowhere(_: Change, __: str) -> bool:
    return False


class Keeper:
    """`weigh` has every gateway give the candidate a share of sessions, for some seconds or until told otherwise.

    `silence` is how long they go on without hearing from here; `broken` what was wrong with the store at the start,
    and `recalled` what it held. `vouch` has a rollback of a revision known beside the store, where the store cannot
    be written: whether it is.
    """

    def __init__(
        self,
        control: Control,
        store: Store,
        weigh: Callable[[float, float | None], None],
        *,
        silence: float,
        broken: str | None = None,
        recalled: Mapping[str, bytes] | None = None,
        vouch: Callable[[Change, str], Awaitable[bool]] = _nowhere,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.problem = broken
        """What is wrong with the store; None where the last commit was good."""
        self._grown: asyncio.Future[None] | None = None
        self._control = control
        self._store = store
        self._weigh = weigh
        self._silence = silence
        self._broken = broken
        self._vouch = vouch
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._lock = asyncio.Lock()
        self._unsaved = Batch()
        self._recalled = dict(recalled or {})
        self._writing: tuple[asyncio.Future[None], Batch] | None = None
        self._saved_at = self._told_at = float("-inf")
        self._told: float | None = None
        self._closed = False

    async def start(self) -> None:
        """Have the gateways at the stage's weight before they take requests."""
        with contextlib.suppress(StoreError):  # it has been logged, and undone
            await self.act(lambda now: (*self._control.begin(), *self._control.look(now)))

    async def run(self) -> None:
        """Look, several times a second, until cancelled."""
        while True:
            try:
                with contextlib.suppress(StoreError):
                    await self.act(self._control.look)
            except Exception as error:
                _log.exception("rollout not looked at", error=type(error).__name__)
            await asyncio.sleep(PERIOD)

    async def stop(self) -> None:
        """Commit what has come in, and close the store. Safe to call twice."""
        async with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                await self._save([self._entry(change) for change in self._control.untold()], patience=10)
            except StoreError as error:
                _log.error("control's last state was not saved", error=str(error))
            closing = asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
            await asyncio.wait((closing,), timeout=10 * DISK_TIMEOUT)
            self._thread.shutdown(wait=False)

    async def command(self, command: Command, *, by: str, reason: str) -> tuple[Change, ...]:
        """Follow a command.

        Raises RefusedError; UnwrittenError where it is followed and not durable; StoreError where it was undone,
        being not durable.
        """
        return await self.act(lambda _: self._control.command(command, by=by, reason=reason))

    async def identify(self, fingerprints: dict[str, str | None]) -> None:
        """Take account of what the arms' servers say that they serve.

        What cannot be written is followed all the same, and written with what comes; `problem` says so.
        """
        self._control.fingerprints = fingerprints
        with contextlib.suppress(StoreError):
            await self.act(lambda _: self._control.begin())

    @property
    def grown(self) -> asyncio.Future[None]:
        """Done when the audit log has grown next."""
        if self._grown is None:
            self._grown = asyncio.get_running_loop().create_future()
        return self._grown

    def remember(self, name: str, value: bytes) -> None:
        """Have the next commit hold a value under this name."""
        self._unsaved.state[name] = value
        self._recalled[name] = value

    def recall(self, name: str) -> bytes | None:
        """The value that was last remembered under this name, before a restart too."""
        return self._recalled.get(name)

    async def audit(self, *, after: int = 0, limit: int = 100) -> list[Logged]:
        """See `Store.audit`. Raises StoreError."""
        return await self._on_thread(lambda: self._store.audit(after=after, limit=limit))

    async def latest(self, *, before: int | None = None, limit: int = 100) -> list[Logged]:
        """See `Store.latest`. Raises StoreError."""
        return await self._on_thread(lambda: self._store.latest(before=before, limit=limit))

    async def act(self, decide: Callable[[float], tuple[Change, ...]]) -> tuple[Change, ...]:
        """Decide, make it durable, and have the gateways follow. Raises what `decide` does, and as `command`."""
        async with self._lock:
            now, control, unwritten = self._clock(), self._control, ""
            before = control.rollout.dump()
            changes = decide(now)
            try:
                if changes or self._is_due(now - self._saved_at):
                    await self._save([self._entry(change) for change in changes])
                    self._say(self._broken)
            except StoreError as error:
                self._say(str(error))
                if any(change.action in RISES for change in changes):
                    self._undo(before, str(error))
                    raise
                unwritten = str(error)
            finally:
                self._follow(now)
            if changes:
                self._tell(changes)
                if unwritten and not await self._vouched(changes):
                    raise UnwrittenError(unwritten)
            return changes

    async def _vouched(self, changes: tuple[Change, ...]) -> bool:
        """Whether a control that starts now would know of these all the same."""
        for change in changes:
            if change.action is not Action.ROLLBACK or not await self._vouch(change, self._control.revision):
                return False
        return True

    # the store

    def _is_due(self, waited: float) -> bool:
        """Whether to commit although nothing was decided; what could not be written is tried again soon."""
        pending = self._control.received or self.problem != self._broken
        return waited >= SAVE_LATEST or (pending and waited >= SAVE_EVERY)

    async def _save(self, entries: list[Entry], patience: int = 1) -> None:
        """Commit all that is not yet, and wait for it `patience` times as long as usual.

        Raises StoreError; then it will be committed with what comes.
        """
        batch = self._control.snapshot()
        batch.audit += entries
        self._unsaved.add(batch)
        self._unsaved.bound(MOST_UNSAVED)
        self._saved_at = self._clock()
        if self._writing is not None:
            self._settle(*self._writing)
        written, self._unsaved = self._unsaved, Batch()
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._store.commit, written)
        self._writing = future, written
        await asyncio.wait((future,), timeout=patience * DISK_TIMEOUT)
        self._settle(future, written)

    def _settle(self, future: asyncio.Future[None], batch: Batch) -> None:
        """See what became of a commit. Raises StoreError where it failed or is still under way."""
        if not future.done():
            raise StoreError("the disk does not answer")
        self._writing = None
        if (error := future.exception()) is not None:
            batch.add(self._unsaved)
            self._unsaved = batch
            raise StoreError(str(error)) from error

    def _undo(self, before: dict[str, Any], why: str) -> None:
        control = self._control
        control.put_back(before)
        stage = control.rollout.stage
        undone = Change(
            Action.WEIGHT, "slipgauge", f"not durable, so not done: {why}", stage, stage, control.rollout.weight
        )
        self._unsaved.audit.append(self._entry(undone)._replace(action=UNDONE))

    def _say(self, problem: str | None) -> None:
        if problem != self.problem:
            if problem is None:
                _log.info("the store can be written again")
            else:
                _log.error("the store cannot be written", error=problem)
        self.problem = problem
        self._control.telemetry.store_up.set(problem is None)
        self._control.store_problem = problem

    async def _on_thread(self, read: Callable[[], list[Logged]]) -> list[Logged]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    # the gateways and the log

    def _follow(self, now: float) -> None:
        rollout = self._control.rollout
        valid = None if rollout.stage is Stage.PROMOTED else self._silence
        if rollout.weight != self._told or now - self._told_at >= self._silence / 8:
            self._weigh(rollout.weight, valid)
            self._told, self._told_at = rollout.weight, now

    def _entry(self, change: Change) -> Entry:
        return Entry(
            at=datetime.now(UTC).isoformat(),
            action=str(change.action),
            by=change.by,
            reason=change.reason,
            before=str(change.before),
            stage=str(change.stage),
            weight=change.weight,
            revision=self._control.revision,
            evidence=self._control.rows(),
        )

    def _tell(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            _log.warning(
                "rollout",
                action=str(change.action),
                by=change.by,
                reason=change.reason,
                stage=str(change.stage),
                weight=change.weight,
            )
        if self._grown is not None:
            self._grown.set_result(None)
            self._grown = None
