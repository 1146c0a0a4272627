"""A rollback that the journal does not take, and the control that was told dies, or is cut off, before it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.channel.link import Link
from tests.apart.stand import Apart, Member, deployed, until
from tests.apart.test_roles import CANARY, shares, until_share

pytestmark = pytest.mark.timeout(300)


async def in_canary(apart: Apart) -> Member:
    """The leader of a deployment whose candidate has a share of the sessions."""
    leader = await apart.leader()
    assert (await leader.ask("/stage/promote", {"reason": "test"}))[0] == 200
    await until_share(apart, apart.gateways[0], candidate=True)
    return leader


async def bound_journal(apart: Apart, *, full: bool) -> None:
    """Have the journal's stream refuse what is new, or take it again; all else of NATS is well."""
    link: Link = apart.link()
    link.start()
    await link.ready.wait()
    info = await link.js.stream_info(link.names.journal)
    config = info.config.evolve(max_bytes=info.state.bytes if full else 64 * 1024 * 1024)
    await link.js.update_stream(config)
    await link.close()


async def test_the_next_leader_rolls_back_before_any_gateway_follows_its_stage(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with deployed(tmp_path, urls, gateways=1, controls=2, **CANARY) as apart:
        first = await in_canary(apart)
        await bound_journal(apart, full=True)
        status, told = await first.ask("/stage/rollback", {"reason": "it sings"})
        assert (status, told.get("stage")) == (200, "rolled_back"), told
        await first.kill()
        await until_share(apart, apart.gateways[0], candidate=False)
        await bound_journal(apart, full=False)

        second = await apart.leader(but=first)
        assert (await second.ask("/stage"))[1]["stage"] == "rolled_back"
        assert (await shares(apart, apart.gateways[0]))["candidate"] == 0
        _, audit = await second.ask("/audit")
        assert [each["action"] for each in audit["entries"]] == ["rollback", "advance", "begin"]
        assert (audit["entries"][0]["by"], audit["entries"][0]["reason"]) == ("operator", "it sings")


async def test_where_nothing_can_be_written_it_says_so_and_is_made_good_by_whoever_was_told(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with deployed(tmp_path, urls, gateways=1, controls=2, **CANARY) as apart:
        (gateway,), (server,) = apart.gateways, apart.cluster.servers
        first = await in_canary(apart)
        await server.kill()
        status, told = await first.ask("/stage/rollback", {"reason": "it sings"})
        assert status == 503
        assert "NOT YET STORED" in told["error"]["message"]
        await until_share(apart, gateway, candidate=False)

        async def stood_down() -> bool:
            return bool((await first.ask("/stage"))[0] == 503)

        await until(stood_down)
        await server.start()
        await apart.told("/stage", stage="rolled_back")
        assert (await shares(apart, gateway))["candidate"] == 0


async def test_where_nothing_can_be_written_and_it_dies_the_answer_has_said_so(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with deployed(tmp_path, urls, gateways=1, controls=2, **CANARY) as apart:
        (server,) = apart.cluster.servers
        first = await in_canary(apart)
        await server.kill()
        status, told = await first.ask("/stage/rollback", {"reason": "it sings"})
        assert (status, "NOT YET STORED" in told["error"]["message"]) == (503, True)
        await first.kill()
        await server.start()
        second = await apart.leader(but=first)
        assert (await second.ask("/stage"))[1]["stage"] == "canary"
        assert (await second.ask("/stage/rollback", {"reason": "again"}))[0] == 200
