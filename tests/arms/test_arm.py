from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from proxy.config import Ejection, Extra
from proxy.gateway.arms.arm import QUIET
from proxy.gateway.arms.exposition import Load
from proxy.gateway.arms.servers import Reason
from proxy.gateway.ledger import State
from tests.arms.stand import Stand

URL, OTHER = "http://127.0.0.1:1", "http://127.0.0.1:2"


def test_a_leg_that_the_budget_forbids_is_counted_and_what_it_gives_back_lets_the_next_start() -> None:
    stand = Stand(URL, extra=Extra(tokens_per_second=100.0))
    arm = stand.arm
    assert arm.spend("mirror", 600, 0.0) is None
    assert arm.spend("repeat", 1, 0.0) is State.DROPPED_BUDGET
    assert stand.metric("extra_refused_total", purpose="repeat", reason="budget") == 1
    arm.settle("mirror", 600, 80)
    assert arm.spend("repeat", 1, 0.0) is None
    assert stand.metric("extra_tokens_total", purpose="mirror") == 80
    assert stand.metric("extra_tokens_total", purpose="repeat") == 0


def test_each_process_has_its_share_of_the_budget() -> None:
    arm = Stand(URL, share=0.25, extra=Extra(tokens_per_second=100.0)).arm
    assert arm.spend("mirror", 126, 0.0) is None
    assert arm.spend("mirror", 1, 0.0) is State.DROPPED_BUDGET
    assert arm.spend("mirror", 1, 0.1) is None


def test_without_a_budget_only_the_tokens_are_counted() -> None:
    stand = Stand(URL, extra=Extra(tokens_per_second=None))
    for _ in range(2):
        assert stand.arm.spend("mirror", 10**9, 0.0) is None
        stand.arm.settle("mirror", 10**9, 10**9)
    assert stand.metric("extra_tokens_total", purpose="mirror") == 2e9


def test_a_pressed_arm_refuses_extra_legs_until_its_servers_are_calm_or_say_nothing_more() -> None:
    stand = Stand(URL, OTHER)
    arm, (one, two) = stand.arm, stand.arm.servers.all
    assert (stand.metric("pressure"), stand.metric("pressure_known")) == (0, 0)
    arm.said(one, Load(9.0, 0.1), 1.0)
    assert arm.spend("mirror", 1, 1.0) is State.DROPPED_PRESSURE
    assert stand.metric("extra_refused_total", purpose="mirror", reason="pressure") == 1
    arm.said(two, Load(0.0, 0.1), 1.0)
    assert (stand.metric("pressure"), stand.metric("pressure_known")) == (1, 1)
    arm.said(one, Load(0.0, 0.1), 2.0)
    assert arm.spend("mirror", 1, 2.0) is None
    arm.said(one, Load(9.0, 0.1), 3.0)
    arm.refresh(10.0)
    assert (stand.metric("pressure"), stand.metric("pressure_known")) == (0, 0)
    assert arm.spend("mirror", 1, 10.0) is None


def test_an_ejection_is_counted_by_its_reason_and_told_once() -> None:
    stand = Stand(URL, OTHER, ejection=Ejection(failures=2))
    arm, (one, _) = stand.arm, stand.arm.servers.all
    with capture_logs() as logs:
        for _ in range(5):
            arm.failed(one, Reason.STATUS, since=0.0, now=0.0)
        arm.answered(one, since=1.0)
    assert [log["event"] for log in logs] == ["a server was ejected", "a server answers again"]
    assert logs[0]["server"] == "127.0.0.1:1"
    assert logs[0]["reason"] == "status"
    assert stand.metric("upstream_ejections_total", server="127.0.0.1:1", reason="status") == 1
    assert stand.metric("upstream_ejections_total", server="127.0.0.1:2", reason="status") == 0


def test_why_a_server_cannot_be_connected_to_is_told_and_not_for_each_request() -> None:
    arm = Stand(URL).arm
    with capture_logs() as logs:
        for now in (0.0, 1.0, QUIET, QUIET + 1):
            arm.failed(arm.servers.all[0], Reason.CONNECT, since=now, now=now, problem="certificate has expired")
    assert [log["problem"] for log in logs] == ["certificate has expired"] * 2


def test_checks_are_counted_told_and_shown() -> None:
    stand = Stand(URL, OTHER)
    arm, (one, two) = stand.arm, stand.arm.servers.all
    two.outstanding = 3
    with capture_logs() as logs:
        arm.checked(one, "answers 503")
        arm.checked(one, "is silent for 2 s")
        arm.refresh(0.0)
        assert stand.metric("upstream_up", server="127.0.0.1:1") == 0
        arm.checked(one, None)
        arm.checked(one, None)
    arm.refresh(0.0)
    assert [(log["event"], log.get("problem")) for log in logs] == [
        ("a server is down", "is silent for 2 s"),
        ("a server is up again", None),
    ]
    assert stand.metric("upstream_ejections_total", server="127.0.0.1:1", reason="health") == 1
    assert stand.metric("upstream_up", server="127.0.0.1:1") == 1
    assert stand.metric("upstream_outstanding", server="127.0.0.1:2") == 3


@pytest.mark.parametrize("series", ["upstream_up", "upstream_outstanding"])
def test_every_server_is_shown_from_the_start(series: str) -> None:
    stand = Stand(URL, OTHER)
    assert stand.metric(series, server="127.0.0.1:1") == (series == "upstream_up")
    assert stand.metric(series, server="127.0.0.1:2") == (series == "upstream_up")
