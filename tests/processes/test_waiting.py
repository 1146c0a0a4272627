"""A gateway process that dies takes no analysis with it untold: what waits in it is dropped, and counted so."""

from __future__ import annotations

from typing import Any, cast

from proxy.counters import Block
from proxy.processes.line import Kind
from proxy.processes.process import GatewayProcess
from proxy.report import Analysis, Mark, Message, Report, dumps, unanswered

FIRST = Report("p-1", "session", 1.0, "baseline", "paired", {}, {}, (), waiting=("needy", "other"))


async def test_what_has_still_to_come_is_known_when_the_process_dies() -> None:
    seen: list[Message] = []
    process = GatewayProcess(cast("Any", None), Block(), seen.append)
    process._told(Kind.REPORT, dumps(FIRST))
    process._told(Kind.REPORT, dumps(unanswered(FIRST, "other")))

    assert (process.reports, list(process.waiting)) == (1, [("p-1", "needy")])
    assert isinstance(seen[1], Report)
    assert seen[1].analyses == {"other": Analysis.DROPPED}
    assert (seen[1].waiting, seen[1].further, seen[1].session) == ((), True, "session")


async def test_how_far_it_has_told_is_taken_and_its_name_is_known() -> None:
    seen: list[Message] = []
    process = GatewayProcess(cast("Any", None), Block(), seen.append)
    process._told(Kind.MARK, b'["abc",7]')
    process._told(Kind.REPORT, dumps(FIRST._replace(state="client_abort", mark=Mark("abc", 9))))

    assert (process.name, process.reports, process.waiting) == ("abc", 0, {})
    assert seen[0] == Mark("abc", 7)
    assert len(seen) == 2
