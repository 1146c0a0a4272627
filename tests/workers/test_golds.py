from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from analyzers.pair import Pair
from proxy.report import Analysis
from proxy.workers import golds
from tests.analyzers.exchanges import ask, pair, said
from tests.workers.pool_harness import captured, running

PROMPT = "How many apples has Tom?"
KEY = sha256(PROMPT.encode()).hexdigest()


def write(folder: Path, *lines: object) -> str:
    path = folder / "golds.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines))
    return str(path)


def asked(prompt: str, **headers: str) -> Pair:
    return pair(ask(prompt, headers=headers), said("42"), said("43"))


def test_a_prompt_gets_its_gold_as_if_the_client_had_sent_it(tmp_path: Path) -> None:
    known = golds.load(write(tmp_path, {"prompt_sha256": KEY, "gold": "42"}, b""))
    assert golds.with_gold(asked(f"\n{PROMPT} "), known).request.headers == {"x-slipgauge-gold": "42"}
    assert golds.with_gold(asked("Another?"), known).request.headers == {}
    own = {"x-slipgauge-gold": "7"}
    assert golds.with_gold(asked(PROMPT, **own), known).request.headers == own


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "line 2: is no JSON"),
        ([], "line 2: prompt_sha256 should be 64 digits"),
        ({"prompt_sha256": "AB", "gold": "42"}, "line 2: prompt_sha256 should be 64 digits"),
        ({"prompt_sha256": KEY}, "line 2: gold should be a number"),
        ({"prompt_sha256": KEY, "gold": 42}, "line 2: gold should be a number"),
        ({"prompt_sha256": KEY, "gold": "9^9^9"}, "line 2: gold should be a number"),
    ],
)
def test_a_bad_line_is_named_with_what_would_be_right(tmp_path: Path, line: object, why: str) -> None:
    with pytest.raises(golds.GoldsError, match=why):
        golds.load(write(tmp_path, {"prompt_sha256": KEY, "gold": "42"}, line))


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(golds.GoldsError, match="cannot be read"):
        golds.load(str(tmp_path / "none"))
    monkeypatch.setattr(golds, "MAX_BYTES", 10)
    with pytest.raises(golds.GoldsError, match="more than 10 bytes"):
        golds.load(write(tmp_path, {"prompt_sha256": KEY, "gold": "42"}))


async def test_a_pair_is_scored_by_it(tmp_path: Path) -> None:
    path = write(tmp_path, {"prompt_sha256": KEY, "gold": "42"})
    async with running(enabled=("math.checked",), golds_file=path) as scored:
        messages = [{"role": "user", "content": PROMPT}]
        assert scored.pool.submit(captured("right", "The answer is 42.", messages=messages), "paired")
        assert scored.pool.submit(captured("unknown", "The answer is 42."), "paired")
        await scored.pool.drain()
    right, unknown = scored.reports
    assert right.findings[0].baseline.label == "ok"
    assert unknown.analyses == {"math.checked": Analysis.NOT_APPLICABLE}
