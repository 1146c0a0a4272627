"""The reviewer's way through a live demo, from the first look to the exported set."""

from __future__ import annotations

import orjson
import pytest

from proxy.demo.rehearsal import Plan, perform, standing
from tests.browser.chrome import Tab
from tests.browser.walk import walk


@pytest.mark.timeout(300)
async def test_from_the_slip_to_the_worst_case_to_a_label_to_an_export(tab: Tab) -> None:
    async with standing(Plan(requests=300)) as stand:
        await perform(stand, lambda _: None)

        async def seen(station: str) -> None:
            assert tab.complaints == [], station
            assert tab.dialogs == [], station

        told = await walk(tab, stand, seen)
        case = await stand.deployment.cases.ask(lambda pool: pool.get(told["case"]))
        accesses = await stand.deployment.cases.ask(lambda pool: pool.accesses())

    assert told["overview"].startswith("The candidate loses more than it may")
    assert int(told["differs"]) > 0
    assert told["label"] == "Saved: slip of math.checked."
    assert case is not None
    assert [(each.judged, each.by, each.analyzer, each.note) for each in case.labels] == [
        ("slip", "ada", "math.checked", "seen in the demo")
    ]
    rows = [orjson.loads(line) for line in told["exported"].splitlines()]
    assert len(rows) >= int(told["cases"]) > 0
    assert {each.action for _, each in accesses} == {"read", "label", "export"}
