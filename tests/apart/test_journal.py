"""The journal on a real server: what is committed is there for the next leader, and the former one is kept out."""

from __future__ import annotations

import asyncio

import pytest

from proxy.channel.link import Link
from proxy.control import journal as journals
from proxy.control.journal import FencedError, Journal
from proxy.control.store import Batch, Entry, StoreError

ENTRY = Entry(
    "2026-11-25T09:00:00+00:00", "hold", "operator", "weekend", "shadow", "shadow", 0.0, "1", [{"name": "g"}]
)


async def opened(link: Link, fenced: asyncio.Event | None = None) -> Journal:
    return await Journal.open(link, (fenced or asyncio.Event()).set)


async def commit(journal: Journal, batch: Batch) -> None:
    await asyncio.to_thread(journal.commit, batch)


async def test_what_was_committed_is_there_for_the_next(link: Link) -> None:
    journal = await opened(link)
    await commit(journal, Batch(state={"a": b"1", "b": b"2"}, seen={"x": b"1", "y": b"1"}, audit=[ENTRY]))
    await commit(journal, Batch(state={"a": b"3"}, seen={"x": b"2", "z": b"1"}, audit=[ENTRY]))
    later = await opened(link)
    for each in (journal, later):
        assert each.state() == {"a": b"3", "b": b"2"}
        assert list(each.seen().items()) == [("x", b"2"), ("y", b"1"), ("z", b"1")]
        assert [logged.row()["id"] for logged in each.audit()] == [1, 2]
        assert [logged.entry for logged in each.latest(limit=1)] == [ENTRY]
        each.close()


async def test_a_message_that_is_no_control_s_keeps_nobody_from_leading(link: Link) -> None:
    fenced = asyncio.Event()
    former = await opened(link, fenced)
    await commit(former, Batch(state={"a": b"1"}))
    await link.js.publish(link.names.entries, b"junk")
    await link.js.publish(link.names.entries, b"junk", headers={journals.RECORD: "junk"})
    with pytest.raises(FencedError):
        await commit(former, Batch(state={"a": b"2"}))
    later = await opened(link)
    await commit(later, Batch(state={"b": b"1"}))
    assert later.state() == (await opened(link)).state() == {"a": b"1", "b": b"1"}


async def test_whoever_was_replaced_writes_nothing_more_and_learns_of_it(link: Link) -> None:
    fenced = asyncio.Event()
    former = await opened(link, fenced)
    await commit(former, Batch(state={"a": b"1"}))
    later = await opened(link)
    with pytest.raises(FencedError):
        await commit(former, Batch(state={"a": b"2"}))
    assert fenced.is_set()
    await commit(later, Batch(state={"b": b"1"}))
    assert (await opened(link)).state() == {"a": b"1", "b": b"1"}


async def test_a_write_of_which_no_word_came_is_made_once(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = await opened(link)
    publish, lost = link.js.publish, list[str]()

    async def deaf(*args: object, **kwargs: object) -> object:
        stored = await publish(*args, **kwargs)  # type: ignore[arg-type]
        if not lost:
            lost.append("word")
            raise TimeoutError
        return stored

    monkeypatch.setattr(link.js, "publish", deaf)
    await commit(journal, Batch(audit=[ENTRY]))
    await commit(journal, Batch(audit=[ENTRY]))
    assert lost
    assert [logged.id for logged in (await opened(link)).audit()] == [1, 2]


async def test_a_record_of_many_messages_counts_whole_or_not_at_all(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "PIECE", 40)
    journal = await opened(link)
    await commit(journal, Batch(state={"a": b"first", "long": b"0123456789" * 10}))
    put, pieces = journal._put, list[int]()

    async def torn(about: journals._Piece, body: bytes) -> None:
        if about.number == about.of:
            raise OSError("killed")
        pieces.append(about.number)
        await put(about, body)

    monkeypatch.setattr(journal, "_put", torn)
    with pytest.raises(OSError, match="killed"):
        await commit(journal, Batch(state={"a": b"second", "long": b"abcdefghij" * 10}))
    assert pieces
    later = await opened(link)
    assert later.state()["a"] == b"first"
    await commit(later, Batch(state={"a": b"third"}))
    assert (await opened(link)).state()["a"] == b"third"


async def test_the_sum_takes_the_place_of_all_before_it(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "SUM_AFTER", 2_000)
    journal = await opened(link)
    for number in range(60):
        await commit(journal, Batch(state={"a": b"%d" % number}, seen={f"s{number}": b"1"}, audit=[ENTRY]))
    info = await link.js.stream_info(link.names.journal)
    assert info.state.messages < 40
    later = await opened(link)
    assert later.state() == {"a": b"59"}
    assert list(later.seen()) == [f"s{number}" for number in range(60)]
    assert [logged.id for logged in later.audit(limit=100)] == list(range(1, 61))
    await commit(later, Batch(state={"a": b"60"}))


async def test_what_cannot_be_written_is_given_up_once_it_was_abandoned(link: Link) -> None:
    journal = await opened(link)
    await link.close()
    writing = asyncio.to_thread(journal.commit, Batch(state={"a": b"1"}))
    journal.abandon()
    with pytest.raises(StoreError, match="NATS does not answer"):
        await writing
