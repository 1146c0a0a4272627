"""Who leads, and which weights gateways follow: as scripts of events, and on a real server."""

from __future__ import annotations

import asyncio

import pytest

from proxy.channel.link import Link
from proxy.channel.stage import BLIND, Heed, StageWriter, Weight, follow
from proxy.control import lease as leases
from proxy.control.lease import LASTS, Candidacy, Lease
from proxy.tasks import cancel, spawn
from tests.arms.until import until


def test_a_lease_is_free_once_it_has_not_changed_for_as_long_as_it_lasts() -> None:
    candidacy = Candidacy()
    assert not candidacy.free(1, "a", 100.0)
    assert not candidacy.free(1, "a", 100.0 + LASTS / 2)
    assert not candidacy.free(2, "a", 100.0 + LASTS)
    assert not candidacy.free(2, "a", 99.9 + 2 * LASTS)
    assert candidacy.free(2, "a", 100.0 + 2 * LASTS)


def test_a_gateway_follows_what_was_written_since_it_last_asked() -> None:
    heed, half = Heed(), Weight(0.5, 10.0)
    assert not heed.found(1, half, 0.0)  # may be old
    assert not heed.found(1, half, 0.2)
    assert heed.found(2, half, 0.4)
    assert not heed.found(2, half, 0.6)
    assert not heed.found(3, half, 0.7 + BLIND)  # may be old again
    assert heed.found(4, half, 0.8 + BLIND)


def test_what_holds_until_it_is_said_otherwise_and_what_takes_all_away_is_followed_however_old() -> None:
    heed = Heed()
    assert heed.found(1, Weight(1.0, None), 0.0)
    assert heed.found(2, Weight(0.0, 10.0), 100.0)
    assert not heed.found(2, Weight(0.0, 10.0), 100.2)


async def test_of_two_that_want_to_lead_one_does_and_the_other_after_it(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LASTS", 2.0)
    monkeypatch.setattr(leases, "RENEW", 0.05)
    one, other = Lease(link, "one"), Lease(link, "other")
    await one.win()
    keeping = spawn(one.keep(), name="keep")
    winning = spawn(other.win(), name="win")
    await asyncio.sleep(1.5 * leases.LASTS)  # real time: longer than a lease lasts that nobody renews
    assert one.held
    assert not winning.done()
    assert other.leader == "one"
    await cancel(keeping)  # as if it had died
    await winning
    assert not one.held
    assert other.term > one.term
    await other.leave()
    await one.win()
    assert one.term > other.term


async def test_a_leader_whose_clock_stood_still_finds_that_it_leads_no_more(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LASTS", 0.4)
    monkeypatch.setattr(leases, "RENEW", 0.05)
    one, other = Lease(link, "one", lambda: 0.0), Lease(link, "other")
    await one.win()
    await other.win()
    assert one.held  # it cannot know yet
    await one.keep()
    assert not one.held


@pytest.mark.parametrize("junk", [b"", b"junk", b"[]", b"{}"])
async def test_a_lease_that_no_control_has_written_runs_out_as_any_other(
    link: Link, monkeypatch: pytest.MonkeyPatch, junk: bytes
) -> None:
    monkeypatch.setattr(leases, "LASTS", 0.4)
    monkeypatch.setattr(leases, "RENEW", 0.05)
    lease = Lease(link, "one")
    await lease.win()
    term = lease.term
    await link.bucket.put(leases.KEY, junk)
    await lease.keep()
    assert not lease.held
    await lease.win()
    assert lease.term > term


async def terms(link: Link) -> tuple[int, int]:
    """Two terms, the former and the later one: revisions of the bucket, as leases are."""
    return await link.bucket.put(leases.KEY, b"a"), await link.bucket.put(leases.KEY, b"b")


@pytest.mark.parametrize("forged", [b"", b"junk", b"[1.0,null,999999]", b"[2,null,1]"])
async def test_what_no_control_can_have_written_for_the_stage_is_written_over(link: Link, forged: bytes) -> None:
    fenced, told = asyncio.Event(), list[tuple[float, float | None]]()
    writer = StageWriter(link, (await terms(link))[1], fenced.set)
    tasks = [spawn(each, name="x") for each in (writer.run(), follow(link, lambda *each: told.append(each)))]
    writer.weigh(0.5, None)
    await until(lambda: told == [(0.5, None)])
    await link.bucket.put("stage", forged)
    writer.weigh(0.25, None)
    await until(lambda: told[-1] == (0.25, None))
    assert not fenced.is_set()
    await cancel(*tasks)


async def test_a_former_leader_cannot_move_the_stage(link: Link) -> None:
    fenced, told = asyncio.Event(), list[tuple[float, float | None]]()
    former, later = (StageWriter(link, term, fenced.set) for term in await terms(link))
    tasks = [spawn(each, name="x") for each in (former.run(), follow(link, lambda *each: told.append(each)))]
    former.weigh(1.0, None)
    await until(lambda: bool(told))
    tasks.append(spawn(later.run(), name="x"))
    later.weigh(0.0, 10.0)
    await until(lambda: told[-1] == (0.0, 10.0))
    assert not fenced.is_set()
    former.weigh(1.0, None)
    await fenced.wait()
    await asyncio.sleep(0.5)
    assert told == [(1.0, None), (0.0, 10.0)]
    await cancel(*tasks)
