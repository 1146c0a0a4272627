from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.pair import End
from proxy.config import Ejection
from proxy.gateway.arms.servers import Change, Reason, Server, Servers, blame

EJECTION = Ejection(failures=3, pause=1.0, max_pause=5.0)


def made(count: int) -> tuple[Servers, list[Server]]:
    servers = Servers([f"http://s{number}" for number in range(count)], EJECTION)
    return servers, list(servers.all)


def eject(servers: Servers, server: Server, at: float = 0.0) -> None:
    assert [servers.failed(server, at, at) for _ in range(3)] == [None, None, Change.EJECTED]


def down(servers: Servers, server: Server) -> None:
    assert [servers.checked(server, good=False) for _ in range(2)] == [None, Change.DOWN]


def chosen(servers: Servers, count: int, now: float = 0.0) -> Counter[str]:
    """Where the next requests go, each answered before the next."""
    return Counter(servers.choose(now).url[7:] for _ in range(count))


def test_idle_servers_take_turns() -> None:
    servers, _ = made(3)
    assert [servers.choose(0.0).url[7:] for _ in range(6)] == ["s0", "s1", "s2", "s0", "s1", "s2"]


def test_the_server_with_the_fewest_requests_outstanding_takes_the_next() -> None:
    servers, (one, two, three) = made(3)
    one.outstanding, two.outstanding, three.outstanding = 2, 1, 2
    assert servers.choose(0.0) is two


def test_requests_that_do_not_end_are_spread_evenly() -> None:
    servers, _ = made(3)
    for _ in range(100):
        servers.choose(0.0).outstanding += 1
    assert sorted(server.outstanding for server in servers.all) == [33, 33, 34]


def test_a_slow_server_gets_as_many_as_it_ends() -> None:
    servers, (slow, fast) = made(2)
    slow.outstanding = 10
    for _ in range(9):
        assert servers.choose(0.0) is fast
        fast.outstanding += 1
    assert servers.choose(0.0) is fast
    fast.outstanding += 1
    assert servers.choose(0.0) is slow


def test_failures_in_a_row_eject_a_server_and_an_answer_between_does_not() -> None:
    servers, (one, _) = made(2)
    servers.failed(one, 0.0, 0.0)
    servers.failed(one, 0.0, 0.0)
    servers.answered(one, 0.0)
    assert one.failures == 0
    eject(servers, one)
    assert chosen(servers, 4, now=0.9) == {"s1": 4}


def test_after_the_pause_one_request_is_the_trial_whatever_else_is_outstanding() -> None:
    servers, (one, _) = made(2)
    eject(servers, one)
    one.outstanding = 50
    assert servers.choose(1.0) is one
    assert chosen(servers, 4, now=1.9) == {"s1": 4}


def test_an_answer_to_the_trial_puts_the_server_back() -> None:
    servers, (one, _) = made(2)
    eject(servers, one)
    assert servers.choose(1.0) is one
    assert servers.answered(one, since=1.0) is Change.RETURNED
    assert chosen(servers, 4, now=1.0) == {"s0": 2, "s1": 2}


def test_each_failed_trial_doubles_the_pause_up_to_the_most() -> None:
    servers, (one, _) = made(2)
    eject(servers, one)
    now, pauses = 0.0, []
    for _ in range(5):
        pauses.append(one.trial_at - now)
        now = one.trial_at
        assert servers.choose(now) is one
        assert servers.failed(one, since=now, now=now) is None
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_pause_is_short_again_after_a_good_trial() -> None:
    servers, (one, _) = made(2)
    eject(servers, one)
    servers.failed(one, since=1.0, now=1.0)
    servers.answered(one, since=3.0)
    eject(servers, one, at=4.0)
    assert one.trial_at == 5.0


def test_a_trial_that_never_ends_is_followed_by_another() -> None:
    servers, (one, _) = made(2)
    eject(servers, one)
    assert servers.choose(1.0) is one
    assert servers.choose(2.0) is one


def test_what_was_under_way_before_the_ejection_neither_ends_nor_prolongs_it() -> None:
    servers, (one, _) = made(2)
    eject(servers, one, at=10.0)
    for _ in range(9):
        assert servers.failed(one, since=9.0, now=10.5) is None
        assert servers.answered(one, since=9.9) is None
    assert one.trial_at == 11.0
    assert not one.usable


def test_two_bad_checks_take_a_server_out_and_two_good_ones_put_it_back() -> None:
    servers, (one, _) = made(2)
    for good in (False, True, False, True):
        assert servers.checked(one, good=good) is None
    down(servers, one)
    assert chosen(servers, 4) == {"s1": 4}
    assert [servers.checked(one, good=True) for _ in range(2)] == [None, Change.UP]
    assert chosen(servers, 4) == {"s0": 2, "s1": 2}


def test_a_server_that_is_down_gets_no_trial_and_is_free_of_its_ejection_once_it_is_up() -> None:
    servers, (one, _) = made(2)
    eject(servers, one)
    down(servers, one)
    assert chosen(servers, 4, now=100.0) == {"s1": 4}
    servers.checked(one, good=True)
    servers.checked(one, good=True)
    assert one.usable
    assert chosen(servers, 4, now=100.0) == {"s0": 2, "s1": 2}


def test_good_checks_alone_end_no_ejection() -> None:
    servers, (one, _) = made(2)
    eject(servers, one)
    for _ in range(5):
        assert servers.checked(one, good=True) is None
    assert chosen(servers, 4, now=0.5) == {"s1": 4}


def test_where_every_server_is_out_those_that_are_up_are_used_before_those_that_are_down() -> None:
    servers, (one, two, three) = made(3)
    assert servers.usable
    eject(servers, one)
    eject(servers, two)
    down(servers, three)
    assert not servers.usable
    assert chosen(servers, 4, now=0.5) == {"s0": 2, "s1": 2}
    down(servers, one)
    down(servers, two)
    assert chosen(servers, 6, now=0.5) == {"s0": 2, "s1": 2, "s2": 2}


def test_an_only_server_is_used_whatever_it_does_and_returns_with_its_first_answer() -> None:
    servers, (one,) = made(1)
    eject(servers, one)
    assert not servers.usable
    assert servers.choose(0.5) is one
    assert servers.answered(one, since=0.5) is Change.RETURNED
    assert servers.usable


def test_a_request_that_one_server_would_not_take_tries_each_other_once() -> None:
    servers, (one, two, three) = made(3)
    assert servers.choose(0.0) is one
    assert servers.another((one,), 0.0) is two
    assert servers.another((one, two), 0.0) is three
    assert servers.another((one, two, three), 0.0) is None


def test_a_retry_prefers_a_usable_server_and_takes_an_ejected_one_before_none() -> None:
    servers, (one, two, three) = made(3)
    eject(servers, two)
    assert servers.another((one,), 0.5) is three
    assert servers.another((one, three), 0.5) is two


def test_a_server_that_a_new_configuration_moves_is_not_tried_again_nor_one_that_it_adds_left_out() -> None:
    servers, (one, two) = made(2)
    renewed = Servers(["http://new", two.url, one.url], EJECTION, {server.url: server for server in servers.all})
    assert renewed.another((one,), 0.0) is renewed.all[0]
    assert renewed.another((one, renewed.all[0]), 0.0) is two


def test_servers_that_a_new_configuration_still_names_keep_their_state() -> None:
    servers, (one, two) = made(2)
    eject(servers, one)
    two.outstanding = 7
    renewed = Servers([two.url, "http://new", one.url], EJECTION, {server.url: server for server in servers.all})
    assert renewed.all[0] is two
    assert renewed.all[2] is one
    assert chosen(renewed, 4, now=0.5) == {"new": 4}


@pytest.mark.parametrize(
    ("end", "status", "expected"),
    [
        (End.COMPLETE, 200, None),
        (End.COMPLETE, 404, None),
        (End.COMPLETE, 429, None),
        (End.COMPLETE, 500, Reason.STATUS),
        (End.COMPLETE, 503, Reason.STATUS),
        (End.REFUSED, None, Reason.CONNECT),
        (End.RESET, None, Reason.RESET),
        (End.RESET, 200, Reason.RESET),
        (End.DEADLINE, None, Reason.SILENCE),
        (End.DEADLINE, 200, None),
        (End.TOO_LARGE, 200, None),
        (End.ABORTED, 200, None),
        (End.ABORTED, 502, Reason.STATUS),
        (End.ABORTED, None, None),
    ],
)
def test_what_a_request_s_end_says_against_its_server(
    end: End, status: int | None, expected: Reason | None
) -> None:
    assert blame(end, status) is expected


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["choose", "answer", "fail", "check"]), st.integers(0, 2), st.floats(0, 3), st.booleans()
    )
)


@given(EVENTS)
def test_whatever_happens_a_usable_server_is_chosen_before_one_that_is_not_but_for_one_trial(
    events: list[tuple[str, int, float, bool]],
) -> None:
    servers, all_servers = made(3)
    now = 0.0
    for kind, index, wait, good in events:
        now += wait
        server = all_servers[index]
        if kind == "choose":
            server = servers.choose(now)
            assert server.usable or not servers.usable or (server.up and server.trial_at == now + server.pause)
            server.outstanding += 1
        elif kind == "answer" and server.outstanding:
            server.outstanding -= 1
            servers.answered(server, now - 0.5)
        elif kind == "fail" and server.outstanding:
            server.outstanding -= 1
            servers.failed(server, now - 0.5, now)
        elif kind == "check":
            servers.checked(server, good=good)
        assert servers._all_usable == all(each.usable for each in all_servers)
        assert all(each.failures == 0 or not each.usable or each.failures < 3 for each in all_servers)
