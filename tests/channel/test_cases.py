"""Cases over a real NATS server: to whoever keeps them, and floors back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson
import pytest

from proxy.channel.cases import MOST_UNSENT, CaseLane, follow_floors, say_floors, take
from proxy.channel.link import Link
from proxy.offer import Offer
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from tests.channel.stand import report, settings

OFFER = Offer(report("p1"), "a" * 32, b"{}")


def lost(telemetry: Telemetry) -> float:
    found = telemetry.registry.get_sample_value("slipgauge_case_offers_total", {"result": "dropped_channel"})
    return found or 0.0


async def heard_by(link: Link, subject: str) -> None:
    """Wait until somebody listens there: what was said before is lost."""
    while not any(each.subject == subject for each in link.client._subs.values()):  # noqa: ASYNC110 - the library's doing
        await asyncio.sleep(0.001)
    await link.client.flush()


async def test_a_case_comes_to_whoever_keeps_them_and_no_stream_has_it(link: Link) -> None:
    kept, came = list[Offer](), asyncio.Event()

    def keep(offer: Offer) -> None:
        kept.append(offer)
        came.set()

    taking = spawn(take(link, keep), name="cases")
    await heard_by(link, link.names.cases)
    await link.client.publish(link.names.cases, b"no case")
    assert CaseLane(link, Telemetry()).offer(OFFER)
    await came.wait()

    assert kept == [OFFER]
    assert (await link.js.stream_info(link.names.reports)).state.messages == 0
    await cancel(taking)


async def test_floors_come_back_and_what_is_none_is_passed_over(link: Link) -> None:
    told, came = list[Mapping[str, float]](), asyncio.Event()

    def admit(floors: Mapping[str, float]) -> None:
        told.append(floors)
        came.set()

    following = spawn(follow_floors(link, admit), name="floors")
    await heard_by(link, link.names.floors)
    for body in (b"{", b"[]", orjson.dumps({"uniform": "high"}), orjson.dumps({"uniform": -1.0})):
        await link.client.publish(link.names.floors, body)
    saying = spawn(say_floors(link, lambda: {"uniform": 2.5}), name="say")
    await came.wait()

    assert told == [{"uniform": 2.5}]
    await cancel(following, saying)


async def test_what_does_not_fit_is_dropped_and_counted(link: Link) -> None:
    telemetry = Telemetry()
    lane = CaseLane(link, telemetry)

    assert not lane.offer(OFFER._replace(body=b"x" * link.client.max_payload))
    assert [lane.offer(OFFER) for _ in range(MOST_UNSENT + 1)] == [True] * MOST_UNSENT + [False]
    assert lost(telemetry) == 2


@pytest.mark.parametrize("urls", [("nats://127.0.0.1:1",)])
async def test_without_a_server_cases_are_dropped_at_once(urls: tuple[str, ...]) -> None:
    link, telemetry = Link(settings(urls), "test"), Telemetry()

    assert not CaseLane(link, telemetry).offer(OFFER)
    assert lost(telemetry) == 1
