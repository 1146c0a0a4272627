"""W3C Trace Context as the standard has it, and nothing that only looks like it."""

from __future__ import annotations

import pytest

from proxy.tracing import context
from proxy.tracing.context import Context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


def lines(*headers: str) -> list[bytes]:
    return [b"", *(header.encode() for header in headers)]


def test_a_traceparent_is_read_in_whatever_case_its_name_is() -> None:
    found = context.read(lines("Accept: */*", f"TraceParent:  {GOOD} ", "x: y"))

    assert found == Context(bytes.fromhex(TRACE), bytes.fromhex(SPAN), 1)
    assert found.sampled


@pytest.mark.parametrize(
    ("flags", "kept", "sampled"), [("00", 0, False), ("03", 3, True), ("fd", 1, True), ("02", 2, False)]
)
def test_only_flags_that_the_standard_knows_are_kept(flags: str, kept: int, sampled: bool) -> None:  # noqa: FBT001
    found = context.read(lines(f"traceparent: 00-{TRACE}-{SPAN}-{flags}"))

    assert found is not None
    assert (found.flags, found.sampled) == (kept, sampled)


@pytest.mark.parametrize("later", [f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"])
def test_a_later_version_is_read_as_far_as_it_is_known(later: str) -> None:
    found = context.read(lines(f"traceparent: {later}"))

    assert found == Context(bytes.fromhex(TRACE), bytes.fromhex(SPAN), 1)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "garbage",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"{GOOD},{GOOD}",
    ],
)
def test_what_is_no_traceparent_is_none(bad: str) -> None:
    assert context.read(lines(f"traceparent: {bad}", "tracestate: a=b")) is None


def test_two_of_them_are_none() -> None:
    assert context.read(lines(f"traceparent: {GOOD}", f"traceparent: {GOOD}")) is None


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        (["a=b"], b"a=b"),
        (["a=b, fw529a3039@dt=FfAAAAA", " x/y*_-=1 2 "], b"a=b,fw529a3039@dt=FfAAAAA,x/y*_-=1 2"),
        (["a=b,,c=d,"], b"a=b,c=d"),
        (["A=b"], b""),
        (["a=b,c"], b""),
        (["a=b,a=c"], b""),
        (["a=b\tc"], b""),
        ([",".join(f"k{n}=v" for n in range(33))], b""),
        ([f"k={'v' * 257}"], b""),
    ],
)
def test_a_tracestate_is_kept_whole_or_not_at_all(states: list[str], kept: bytes) -> None:
    found = context.read(lines(f"traceparent: {GOOD}", *(f"tracestate: {state}" for state in states)))

    assert found is not None
    assert found.state == kept


def test_the_callers_place_is_taken_out_and_its_state_stays_where_it_is_good() -> None:
    given = lines(f"Traceparent: {GOOD}", "Accept: */*", "TraceState: a=b")

    assert context.without(given, state=True) == lines("Accept: */*", "TraceState: a=b")
    assert context.without(given, state=False) == lines("Accept: */*")


def test_what_is_written_is_read_again() -> None:
    written = context.written(bytes.fromhex(TRACE), bytes.fromhex(SPAN), 1)

    assert written == GOOD
    assert context.read(lines(f"traceparent: {written}")) == Context(bytes.fromhex(TRACE), bytes.fromhex(SPAN), 1)
