"""One control's time as the leader: what it makes of the stream, from where the leader before it had come to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import orjson
import structlog

from proxy.cases.keeper import CaseKeeper
from proxy.channel import alike, rollback
from proxy.channel import cases as lane
from proxy.channel.counts import CountsError
from proxy.channel.counts import loads as counts_of
from proxy.channel.link import FAILURES, Link
from proxy.channel.reader import Stored, read
from proxy.channel.rollback import RollbackKey
from proxy.channel.stage import StageWriter
from proxy.channel.window import read as messages_of
from proxy.config import Config
from proxy.control import fingerprint
from proxy.control.control import Control
from proxy.control.gateways import Fleets
from proxy.control.journal import Journal
from proxy.control.keeper import Keeper
from proxy.control.kept import restored, salt_in
from proxy.control.store import StoreError
from proxy.control.triggers import outgoing
from proxy.gateway import Ledger
from proxy.report import ENDED, Mark, Report, ReportError
from proxy.roles.serving import identity
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from verdict.rollout import Command, RefusedError

PLACE = "place"
"""Where the store keeps up to which message the evidence goes, and what gateways had told and counted."""
LOOK_EVERY = 1.0
"""Seconds between two looks at which gateways have gone."""
TRIM_EVERY = 10.0
"""Seconds between two looks at how full the stream is."""
TRIM_AT = 0.5
"""How full the stream is when what has been folded is removed from it."""

_log = structlog.get_logger(__name__)


class Term:
    """Use `open`, `start` and `stop`. `over` is set once another control leads.

    `kept` is the salt that the store has, `writer` where the stage is written, `cases` whoever keeps them, and
    `unwritten` where a rollback goes that the journal does not take.
    """

    def __init__(
        self,
        config: Config,
        telemetry: Telemetry,
        link: Link,
        *,
        journal: Journal,
        writer: StageWriter,
        over: asyncio.Event,
        kept: str,
        cases: CaseKeeper,
        unwritten: RollbackKey,
    ) -> None:
        self.over = over
        self._config = config
        self._telemetry = telemetry
        self._link = link
        self._journal = journal
        self._writer = writer
        self._cases = cases
        del telemetry.blocks[1:]  # of a former term
        salt = os.environ[config.session.salt_env] if config.session.salt_env else kept
        self.control = Control(config, telemetry, Ledger(telemetry), version("slipgauge"), salt)
        self.fleets = Fleets(telemetry)
        self._folded = 0
        """The number of the last message whose evidence control has."""
        recalled = restored(self.control, journal)
        if PLACE in recalled:
            self._resume(orjson.loads(recalled[PLACE]))
        self.control.beside = self._place
        silence = config.rollout.silence
        self.keeper = Keeper(
            self.control, journal, writer.weigh, silence=silence, recalled=recalled, vouch=unwritten.put
        )
        self._since = max((logged.id for logged in journal.latest(limit=1)), default=0)
        self._instance = blake2b(kept.encode(), digest_size=6).hexdigest()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        config: Config,
        telemetry: Telemetry,
        link: Link,
        *,
        term: int,
        cases: CaseKeeper,
        unwritten: RollbackKey,
    ) -> Term:
        """Take over: whoever led before can change nothing any more. Raises FAILURES, or StoreError."""
        over = asyncio.Event()
        journal = await Journal.open(link, over.set)
        kept = await asyncio.to_thread(salt_in, journal)
        writer = StageWriter(link, term, over.set)
        return cls(
            config,
            telemetry,
            link,
            journal=journal,
            writer=writer,
            over=over,
            kept=kept,
            cases=cases,
            unwritten=unwritten,
        )

    async def start(self) -> None:
        """Have the gateways at the stage's weight, and read on. Raises FAILURES."""
        await self.keeper.start()
        await self._roll_back_unwritten()  # before the writer runs: no gateway sees the weight until then
        self._tasks = [
            spawn(self._writer.run(), name="stage"),
            spawn(alike.say(self._link, identity(self._config)), name="settings"),
            spawn(self._fold(), name="reports"),
            spawn(self.keeper.run(), name="keeper"),
            spawn(lane.take(self._link, self._cases.offer), name="cases"),
            spawn(lane.say_floors(self._link, lambda: self._cases.floors), name="floors"),
            spawn(self._look(), name="gateways"),
            spawn(self._heed_unwritten(), name="rollback"),
            spawn(self._trim(), name="stream"),
            spawn(fingerprint.watch(lambda: self._config, self.keeper.identify), name="fingerprints"),
            spawn(
                outgoing.tell(
                    self._config, self.keeper, self._telemetry, since=self._since, instance=self._instance
                ),
                name="triggers",
            ),
        ]

    async def stop(self) -> None:
        """Commit what has come in, where this control still leads."""
        await cancel(*self._tasks)
        if self.over.is_set():
            self._journal.abandon()
        await self.keeper.stop()

    def follow(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self._config = config
        self.control.follow(config)

    # what another control was told

    async def _roll_back_unwritten(self) -> None:
        """Follow a rollback of this revision that no journal knows of. Raises FAILURES."""
        wanted = await rollback.wanted(self._link)
        if wanted is not None and wanted.revision == self.control.revision:
            with contextlib.suppress(
                RefusedError, StoreError
            ):  # it has been followed; it is not written, once more
                await self.keeper.command(Command.ROLLBACK, by=wanted.by, reason=wanted.reason)

    async def _heed_unwritten(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with contextlib.suppress(*FAILURES):
                await self._roll_back_unwritten()

    # reports

    async def _fold(self) -> None:
        """Take account of every message, once, in the order of the stream."""
        async for message in read(self._link, self._link.names.reports, self._folded):
            if message is not None:
                try:
                    self._take(message)
                except (ReportError, CountsError) as error:
                    _log.error("a message not taken", number=message.number, error=str(error))
                except Exception as error:
                    _log.exception("a message not folded", number=message.number, error=type(error).__name__)
                self._folded = message.number
            await asyncio.sleep(0)

    def _take(self, message: Stored) -> None:
        """Take one message whole, so that no commit comes between its reports."""
        if message.subject == self._link.names.counts:
            for process in self.fleets.take(counts_of(message.body), time.monotonic()):
                self.control.receive(Mark(process, ENDED))
            return
        for each in messages_of(message.body):
            self.control.receive(each)
            if isinstance(each, Report) and each.further:
                self._cases.amend(each)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for process in self.fleets.look(time.monotonic()):
                self.control.receive(Mark(process, ENDED))

    async def _trim(self) -> None:
        """Make room in the stream of what is folded for good, in good time before it refuses what is new."""
        while True:
            await asyncio.sleep(TRIM_EVERY)
            name = self._link.names.reports
            try:
                info = await self._link.ask(self._link.js.stream_info(name))
                if info.state.bytes > TRIM_AT * (info.config.max_bytes or 0):
                    safe = orjson.loads(self._journal.state().get(PLACE, b'{"folded": 0}'))["folded"]
                    await self._link.ask(self._link.js.purge_stream(name, seq=safe + 1))
            except FAILURES as error:
                _log.debug("the stream not looked at", error=repr(error))

    # over a change of leader

    def _place(self) -> Mapping[str, bytes]:
        place = {"folded": self._folded, "marks": self.control.dossier.marks(), "gateways": self.fleets.dump()}
        return {PLACE: orjson.dumps(place)}

    def _resume(self, place: Mapping[str, Any]) -> None:
        self._folded = place["folded"]
        for process, low in place["marks"].items():
            self.control.dossier.hear(process, low, time.time_ns())
        self.fleets.restore(place["gateways"], time.monotonic())
