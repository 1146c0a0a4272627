"""Whose right answers are believed."""

from __future__ import annotations

import pytest

from proxy.config import Analysis
from proxy.gateway.golds import Golds
from proxy.telemetry import Telemetry
from tests.gateway.peer import always, ask, plain, post, serving
from tests.gateway.stands import Stands

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m","messages":[]}'
GOLD, TOKEN = "x-slipgauge-gold", "x-slipgauge-gold-token"


@pytest.mark.parametrize(
    ("control", "seen", "result"),
    [
        ({GOLD: "72", TOKEN: "t0k"}, {GOLD: "72"}, "taken"),
        ({GOLD: "72"}, {}, "untrusted"),
        ({GOLD: "72", TOKEN: ""}, {}, "untrusted"),
        ({GOLD: "72", TOKEN: "t0"}, {}, "untrusted"),
        ({GOLD: "9^9^9", TOKEN: "t0k"}, {}, "unreadable"),
        ({TOKEN: "t0k", "x-slipgauge-made-up": "x"}, {"x-slipgauge-made-up": "x"}, None),
    ],
)
def test_a_gold_is_seen_beside_the_token_alone_and_the_token_never(
    control: dict[str, str], seen: dict[str, str], result: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDS", "t0k")
    telemetry = Telemetry()
    golds = Golds(Analysis(gold_token_env="GOLDS"), telemetry)
    assert golds.seen(control) == seen
    counted = {labels: value for labels, (value,) in telemetry.golds.totals().items()}
    assert counted == {(each,): float(each == result) for each in ("taken", "untrusted", "unreadable")}


def test_without_a_token_no_gold_is_believed_not_even_beside_an_empty_one() -> None:
    golds = Golds(Analysis(), Telemetry())
    assert golds.seen({GOLD: "72", TOKEN: ""}) == golds.seen({GOLD: "72"}) == {}


async def test_the_operators_gold_reaches_the_analyzers_and_no_server(
    stand: Stands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDS", "t0k")
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, analysis={"gold_token_env": "GOLDS"}) as s,
    ):
        await ask(s.port, post(CHAT, ASK, extra="X-Slipgauge-Gold: 4\r\nX-Slipgauge-Gold-Token: t0k\r\n"))
        assert await s.settled() == {"paired": 1}
        ((pair, _),) = s.pairs
        assert pair.headers == {GOLD: "4"}
        for each in (*baseline.requests, *other.requests):
            assert not any(name.startswith(b"x-slipgauge-gold") for name in each.headers)
