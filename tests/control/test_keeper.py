from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from analyzers.finding import Finding, Score
from proxy.config import Config
from proxy.config_rollout import CanaryStep, Rollout, Shadow
from proxy.control import keeper as module
from proxy.control.control import Control
from proxy.control.keeper import UNDONE, Keeper, UnwrittenError
from proxy.control.kept import restored
from proxy.control.sqlite_store import SqliteStore
from proxy.control.store import Batch, StoreError
from proxy.report import Analysis, Report
from proxy.telemetry import Telemetry
from tests.control.fakes import FixedGateways, FixedLedger
from verdict.rollout import Command, RefusedError, Stage

QUICK = Rollout(
    advance="manual",
    shadow=Shadow(seconds=0, sessions=0),
    canary=(CanaryStep(weight=0.1, seconds=0, sessions=0), CanaryStep(weight=0.5, seconds=0, sessions=0)),
)


class Stand:
    """A control, its store and its gateways, as they are from one start to the end."""

    def __init__(self, config: Config, store: SqliteStore) -> None:
        self.control = Control(config, Telemetry(), FixedLedger(), "1.2.3", "salt")
        self.store = store
        self.gateways = FixedGateways()
        recalled = restored(self.control, store)
        self.keeper = Keeper(self.control, store, self.gateways.weigh, silence=8.0, recalled=recalled)

    def receive(self, session: str) -> None:
        finding = Finding("served", "1", "served", Score(0.0), Score(0.0))
        self.control.receive(
            Report("p", session, 1.0, "baseline", "paired", {"served": Analysis.SCORED}, {}, (finding,))
        )

    async def go(self, command: Command) -> None:
        await self.keeper.command(command, by="operator", reason="because")

    @property
    def stage(self) -> Stage:
        return self.control.rollout.stage

    def metric(self, name: str) -> float | None:
        return self.control.telemetry.registry.get_sample_value(f"slipgauge_{name}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@asynccontextmanager
async def standing(config: Config, path: Path | None = None, **changes: object) -> AsyncIterator[Stand]:
    stand = Stand(config.model_copy(update={"rollout": QUICK, **changes}), SqliteStore(path))
    await stand.keeper.start()
    yield stand
    await stand.keeper.stop()
    await stand.keeper.stop()


def full(stand: Stand, *, full: bool) -> None:
    """No page more, or room again."""
    (pages,) = stand.store._db.execute("PRAGMA page_count").fetchone()
    stand.store._db.execute(f"PRAGMA max_page_count = {pages if full else 1 << 20}")
    if full:  # what is free within the file would do for a while
        stand.keeper.remember("filler", bytes(1 << 20))
    else:
        stand.keeper.remember("filler", b"")


async def test_a_change_is_durable_before_the_gateways_follow(config: Config) -> None:
    async with standing(config) as stand:
        committed: list[float] = []
        commit = stand.store.commit

        def observed(batch: Batch) -> None:
            commit(batch)
            committed.append(stand.gateways.weight)

        stand.store.commit = observed  # type: ignore[method-assign]
        await stand.go(Command.PROMOTE)

        assert committed == [0.0]
        assert stand.gateways.weight == 0.1
        (entry,) = stand.store.latest(limit=1)
        assert (entry.entry.action, entry.entry.weight, entry.entry.evidence[0]["name"]) == (
            "advance",
            0.1,
            "served",
        )


async def test_a_restart_goes_on_where_it_was_and_counts_no_session_twice(config: Config, path: Path) -> None:
    async with standing(config, path) as stand:
        for session in ("a", "b"):
            stand.receive(session)
        await stand.go(Command.PROMOTE)
        stand.receive("c")
    async with standing(config, path) as again:
        for session in ("a", "b", "c", "d"):
            again.receive(session)

        assert (again.stage, again.gateways.told[0][0]) == (Stage.CANARY, 0.1)
        assert again.control.judgements()[0].sessions == 4


async def test_a_rollback_outlives_a_restart_and_a_new_revision_begins_without_the_old_evidence(
    config: Config, path: Path
) -> None:
    async with standing(config, path) as stand:
        stand.receive("a")
        await stand.go(Command.PROMOTE)
        await stand.go(Command.ROLLBACK)
    async with standing(config, path) as again:
        assert (again.stage, again.gateways.weight) == (Stage.ROLLED_BACK, 0.0)
        with pytest.raises(RefusedError):
            await again.go(Command.PROMOTE)
    other = config.candidate.model_copy(update={"revision": "2"})
    async with standing(config, path, candidate=other) as new:
        assert new.stage is Stage.SHADOW
        assert new.control.judgements()[0].sessions == 0
        new.receive("a")
        assert new.control.judgements()[0].sessions == 1


async def test_a_full_disk_keeps_the_candidate_from_more_and_says_so(config: Config, path: Path) -> None:
    async with standing(config, path) as stand:
        await stand.go(Command.PROMOTE)
        full(stand, full=True)
        with pytest.raises(StoreError, match="full"):
            await stand.go(Command.PROMOTE)

        assert (stand.stage, stand.control.rollout.weight, stand.gateways.weight) == (Stage.CANARY, 0.1, 0.1)
        assert stand.metric("store_up") == 0
        assert "full" in str(stand.control.stage_now()["store"]["problem"])
        with pytest.raises(RefusedError, match="the store cannot be written"):
            await stand.go(Command.PROMOTE)


async def test_a_full_disk_keeps_nothing_from_going_back_and_is_told_when_there_is_room(
    config: Config, path: Path
) -> None:
    async with standing(config, path) as stand:
        await stand.go(Command.PROMOTE)
        full(stand, full=True)
        with pytest.raises(StoreError):
            await stand.go(Command.PROMOTE)
        stand.receive("late")
        with pytest.raises(UnwrittenError):
            await stand.go(Command.ROLLBACK)
        assert (stand.stage, stand.gateways.weight) == (Stage.ROLLED_BACK, 0.0)

        full(stand, full=False)
        await stand.keeper.act(lambda _: stand.control.begin())
        stand.keeper._saved_at = float("-inf")
        await stand.keeper.act(stand.control.look)
        assert stand.metric("store_up") == 1
        assert [each.entry.action for each in stand.store.latest(limit=3)] == ["rollback", UNDONE, "advance"]
        assert list(stand.store.seen()) == ["late"]


async def test_servers_that_change_while_the_disk_is_full_are_watched_on(config: Config, path: Path) -> None:
    async with standing(config, path) as stand:
        await stand.keeper.identify({"baseline": "0.9", "candidate": "0.9"})
        full(stand, full=True)
        await stand.keeper.identify({"baseline": "0.9", "candidate": "0.10"})
        assert "full" in str(stand.keeper.problem)
        assert stand.control.rollout.held is not None

        full(stand, full=False)
        await stand.keeper.identify({"baseline": "0.9", "candidate": "0.10"})
        stand.keeper._saved_at = float("-inf")
        await stand.keeper.act(stand.control.look)
        assert stand.store.latest(limit=1)[0].entry.action == "identity"


async def test_a_disk_that_does_not_answer_delays_a_rollback_by_no_more_than_its_patience(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DISK_TIMEOUT", 0.01)
    async with standing(config) as stand:
        await stand.go(Command.PROMOTE)
        answers = threading.Event()
        commit = stand.store.commit
        stand.store.commit = lambda batch: (answers.wait(), commit(batch))[1]  # type: ignore[method-assign]
        with pytest.raises(UnwrittenError):
            await stand.go(Command.ROLLBACK)
        assert (stand.gateways.weight, stand.keeper.problem) == (0.0, "the disk does not answer")

        answers.set()
        while stand.keeper.problem is not None:
            await asyncio.sleep(0)
            stand.keeper._saved_at = float("-inf")
            await stand.keeper.act(stand.control.look)
        assert stand.store.latest(limit=1)[0].entry.action == "rollback"


async def test_a_rollback_that_could_not_be_written_is_as_soon_as_it_can_be(config: Config, path: Path) -> None:
    async with standing(config, path) as stand:
        now = [1e9]
        stand.keeper._clock = lambda: now[0]
        full(stand, full=True)
        with pytest.raises(UnwrittenError):
            await stand.go(Command.ROLLBACK)
        for _ in range(20):  # nothing that was not written is taken for written
            now[0] += 0.2
            with contextlib.suppress(StoreError):
                await stand.keeper.act(stand.control.look)
            assert "full" in str(stand.keeper.problem)
            assert stand.metric("store_up") == 0

        full(stand, full=False)
        for _ in range(4):
            now[0] += 0.2
            await stand.keeper.act(stand.control.look)
        assert stand.keeper.problem is None
        assert stand.store.latest(limit=1)[0].entry.action == "rollback"


async def test_gateways_are_told_again_before_the_weight_lapses_and_promoted_never_does(config: Config) -> None:
    async with standing(config) as stand:
        now = [1e9]
        stand.keeper._clock = lambda: now[0]
        await stand.go(Command.PROMOTE)
        assert stand.gateways.told[-1] == (0.1, 8.0)
        for _ in range(30):
            now[0] += 0.2
            await stand.keeper.act(stand.control.look)
        assert len(stand.gateways.told) == 8  # at the start, at the step, and once a second
        stand.control.rollout.stage = Stage.PROMOTED
        await stand.keeper.act(stand.control.look)
        weight, valid = stand.gateways.told[-1]
        assert weight == 1.0
        assert valid is None


def stepped(config: Config, *weights: float) -> Config:
    """The same with these steps, and nothing else changed."""
    canary = tuple(CanaryStep(weight=each, seconds=0, sessions=0) for each in weights)
    return config.model_copy(update={"rollout": QUICK.model_copy(update={"canary": canary})})


def told(stand: Stand) -> list[tuple[str, str, str]]:
    return [(each.entry.action, each.entry.before, each.entry.stage) for each in stand.store.audit()]


FELL = [("begin", "shadow", "shadow"), ("advance", "shadow", "canary"), ("steps", "canary", "shadow")]


async def test_a_reload_that_raises_the_present_step_is_in_the_audit_log_once(config: Config) -> None:
    async with standing(config) as stand:
        await stand.go(Command.PROMOTE)
        stand.control.follow(stepped(config, 0.1, 0.6))
        await stand.keeper.act(stand.control.look)
        assert told(stand) == FELL[:2]

        stand.control.follow(stepped(config, 0.2, 0.6))
        for _ in range(3):
            await stand.keeper.act(stand.control.look)

        assert told(stand) == [*FELL, ("weight", "shadow", "shadow")]
        assert stand.gateways.weight == 0.0
        assert "none has weight 0.1, as before" in stand.store.audit()[2].entry.reason


async def test_steps_that_changed_just_before_the_end_or_over_a_restart_are_told(
    config: Config, path: Path, tmp_path: Path
) -> None:
    async with standing(config, path) as stand:
        await stand.go(Command.PROMOTE)
        stand.control.follow(stepped(config, 0.2))
    async with standing(stepped(config, 0.2), path, rollout=stepped(config, 0.2).rollout) as again:
        assert told(again)[:3] == FELL
        assert [action for action, _, _ in told(again)].count("steps") == 1
    async with standing(config, tmp_path / "t.db") as stand:
        await stand.go(Command.PROMOTE)
    async with standing(config, tmp_path / "t.db", rollout=stepped(config, 0.2).rollout) as again:
        assert told(again)[:3] == FELL
        await again.go(Command.PROMOTE)
    other = config.candidate.model_copy(update={"revision": "2"})
    async with standing(config, tmp_path / "t.db", rollout=stepped(config, 0.1).rollout, candidate=other) as new:
        assert [action for action, _, _ in told(new)].count("steps") == 1


def renamed(config: Config) -> Config:
    """The same with sessions named otherwise."""
    session = config.session.model_copy(update={"header": "X-Conversation"})
    return config.model_copy(update={"rollout": QUICK, "session": session})


async def test_a_reload_that_names_sessions_otherwise_begins_new_evidence_at_once(
    config: Config, path: Path
) -> None:
    async with standing(config, path) as stand:
        await stand.go(Command.PROMOTE)
        stand.receive("a")
        assert stand.control.judgements()[0].sessions == 1
        stand.control.follow(renamed(config))
        stand.receive("a, named otherwise")

        assert stand.control.judgements()[0].sessions == 1
        with pytest.raises(RefusedError, match="it is held: sessions was"):
            await stand.go(Command.PROMOTE)
        await stand.keeper.act(stand.control.look)
        await stand.keeper.act(lambda _: stand.control.begin())
        assert told(stand) == [*FELL[:2], ("identity", "canary", "canary")]
    async with standing(renamed(config), path) as again:
        assert again.control.judgements()[0].sessions == 1
        assert len(told(again)) == 3


async def test_a_reload_amid_a_step_that_is_not_durable_is_not_undone_with_it(config: Config) -> None:
    async with standing(config) as stand:
        commit = stand.store.commit

        def broken(_: Batch) -> None:
            stand.control.follow(renamed(config))
            stand.store.commit = commit  # type: ignore[method-assign]
            raise StoreError("full")

        stand.store.commit = broken  # type: ignore[method-assign, assignment]
        with pytest.raises(StoreError):
            await stand.go(Command.PROMOTE)

        assert (stand.stage, stand.gateways.weight) == (Stage.SHADOW, 0.0)
        with pytest.raises(RefusedError, match="it is held: sessions was"):
            await stand.go(Command.PROMOTE)
        await stand.keeper.act(stand.control.look)
        assert [action for action, _, _ in told(stand)].count("identity") == 1


async def test_what_is_remembered_is_recalled_after_a_restart(config: Config, path: Path) -> None:
    async with standing(config, path) as stand:
        stand.keeper.remember("name", b"value")
    async with standing(config, path) as again:
        assert again.keeper.recall("name") == b"value"


async def test_who_waits_for_news_gets_them(config: Config) -> None:
    async with standing(config) as stand:
        grown = stand.keeper.grown
        await stand.go(Command.HOLD)
        await asyncio.wait_for(grown, 5)

        assert [each.entry.action for each in await stand.keeper.audit(after=1)] == ["hold"]
