"""Reports as bytes: what another process wrote is read back as it was, or refused."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.finding import Finding, Measurement, Score
from proxy import report as reports
from proxy.report import (
    ENDED,
    GAP_BUCKETS,
    MAX_GAPS,
    Analysis,
    ArmReport,
    Mark,
    Missing,
    Report,
    ReportError,
    dumps,
    loads,
    loads_mark,
)

names = st.from_regex(r"[a-z][a-z0-9_.]{0,15}", fullmatch=True)
times = st.floats(0, 1e6)
scores = st.builds(Score, st.floats(0, 1), names)
gaps = st.just(()) | st.lists(
    st.integers(0, 256), min_size=len(GAP_BUCKETS) + 1, max_size=len(GAP_BUCKETS) + 1
).map(tuple)
arms = st.builds(ArmReport, st.none() | times, gaps, times)
figures = st.lists(st.floats(-1e6, 1e6), max_size=4).map(tuple)
any_report = st.builds(
    Report,
    pair_id=names,
    session=names,
    inclusion=st.floats(0, 1),
    primary=names,
    state=names,
    analyses=st.dictionaries(names, st.sampled_from(Analysis), max_size=4),
    seconds=st.dictionaries(names, times, max_size=4),
    findings=st.lists(st.builds(Finding, names, names, names, scores, scores, st.none() | scores), max_size=3).map(
        tuple
    ),
    baseline=arms,
    candidate=arms,
    repeat=st.none() | arms,
    measurements=st.lists(st.builds(Measurement, names, names, figures, figures), max_size=3).map(tuple),
    waiting=st.lists(names, max_size=3).map(tuple),
    further=st.booleans(),
    missing=st.lists(st.builds(Missing, names, names, names, st.floats(-1, 0), st.floats(0, 1)), max_size=3).map(
        tuple
    ),
    arrival=st.integers(0, ENDED),
    mark=st.builds(Mark, names, st.integers(0, ENDED)),
    segments=st.lists(st.builds("{}={}".format, names, names), max_size=3).map(tuple),
    client=st.sampled_from(["", "0123456789abcdef"]),
)


@given(any_report)
def test_a_report_is_read_as_it_was_written(report: Report) -> None:
    assert loads(dumps(report)) == report


SCORE = [0.0, "ok"]
FINDING = ["served", "1", "served", SCORE, SCORE, None]
ARM: list[Any] = [None, [], 0.0]
COUNTS = [0] * len(GAP_BUCKETS)
SOUND: dict[str, Any] = {
    "pair_id": "abc-1",
    "session": "0f",
    "inclusion": 0.05,
    "primary": "baseline",
    "state": "paired",
    "analyses": {"served": "scored"},
    "seconds": {"served": 0.1},
    "findings": [FINDING],
    "arms": [ARM, ARM, None],
    "measurements": [["token_divergence", "1", [0.5, -1], []]],
    "waiting": ["math.consensus"],
    "further": False,
    "missing": [["json", "1", "json.prompted", -1, 0.5]],
    "arrival": 7,
    "mark": ["0f", 6],
    "segments": ["model=a/b"],
    "client": "0123456789abcdef",
}


def written(told: dict[str, Any]) -> bytes:
    """As `dumps` writes it: outcomes are a text of their own."""
    outcomes = orjson.dumps([told[name] for name in ("analyses", "findings", "missing")]).decode()
    rest = {name: value for name, value in told.items() if name not in ("findings", "missing")}
    return orjson.dumps(list({**rest, "analyses": outcomes}.values()))


def test_the_sound_report_is_taken() -> None:
    sound = loads(written(SOUND))
    assert sound.findings == (Finding("served", "1", "served", Score(0.0), Score(0.0)),)
    assert sound.measurements == (Measurement("token_divergence", "1", (0.5, -1.0)),)
    assert (sound.waiting, sound.further) == (("math.consensus",), False)
    assert sound.missing == (Missing("json", "1", "json.prompted", -1.0, 0.5),)
    assert (sound.arrival, sound.mark, sound.segments) == (7, Mark("0f", 6), ("model=a/b",))
    assert sound.client == "0123456789abcdef"


def test_a_report_from_before_clients_were_told_apart_is_taken() -> None:
    before = {name: value for name, value in SOUND.items() if name != "client"}
    assert loads(written(before)) == loads(written(SOUND))._replace(client="")


@pytest.mark.parametrize(
    "change",
    [
        {"pair_id": "customer text"},
        {"pair_id": ""},
        {"session": "x" * 129},
        {"session": None},
        {"inclusion": 1.5},
        {"inclusion": -0.1},
        {"inclusion": "1"},
        {"inclusion": True},
        {"state": 7},
        {"client": "customer text"},
        {"client": None},
        {"client": "0123456789abcdef0"},
        {"analyses": {"served": "customer text"}},
        {"analyses": {"customer text": "scored"}},
        {"analyses": []},
        {"analyses": {f"a{n}": "scored" for n in range(reports.MAX_ANALYZERS + 1)}},
        {"seconds": {"served": -1}},
        {"seconds": {"served": None}},
        {"findings": [FINDING[:5]]},
        {"findings": [[*FINDING[:3], [2.0, "ok"], SCORE, None]]},
        {"findings": [[*FINDING[:3], SCORE, [0.0, "customer text"], None]]},
        {"findings": [[*FINDING[:3], SCORE, SCORE, [0.0]]]},
        {"findings": [FINDING] * (reports.MAX_ANALYZERS + 1)},
        {"arms": [ARM, ARM]},
        {"arms": [[None, [*COUNTS, -1], 0.0], ARM, None]},
        {"arms": [[None, [*COUNTS, True], 0.0], ARM, None]},
        {"arms": [[None, [*COUNTS, MAX_GAPS + 1], 0.0], ARM, None]},
        {"arms": [[-0.1, [], 0.0], ARM, None]},
        {"arms": [[None, [1], 0.0], ARM, None]},
        {"arms": [[None, [*COUNTS, 0.5], 0.0], ARM, None]},
        {"missing": [["json", "1", "json.prompted", 0.5, -0.5]]},
        {"missing": [["json", "1", "json.prompted", -1.5, 0.5]]},
        {"arrival": -1},
        {"arrival": 1 << 63},
        {"mark": ["customer text", 6]},
        {"segments": ["customer text"]},
        {"segments": ["x=customer text"]},
        {"measurements": [["customer text", "1", [0.5], []]]},
        {"measurements": [["token_divergence", "1", ["0.5"], []]]},
        {"measurements": [["token_divergence", "1", [None], []]]},
        {"measurements": [["token_divergence", "1", [0.5] * (reports.MAX_ANALYZERS + 1), []]]},
        {"waiting": ["customer text"]},
        {"waiting": 5},
        {"arms": [[None, "x" * (len(GAP_BUCKETS) + 1), 0.0], ARM, None]},
    ],
)
def test_an_unsound_report_is_refused_without_its_text(change: dict[str, Any]) -> None:
    with pytest.raises(ReportError) as raised:
        loads(written({**SOUND, **change}))
    assert "customer" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_report_of_too_many_bytes_is_not_even_parsed() -> None:
    with pytest.raises(ReportError, match="too many bytes"):
        loads(b" " * (reports.MAX_BYTES + 1))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_report_or_refused(body: bytes) -> None:
    with pytest.raises(ReportError):
        loads(body)


@pytest.mark.parametrize("number", [math.inf, math.nan])
def test_what_is_no_number_cannot_travel(number: float) -> None:
    report = Report("p", "s", 1.0, "baseline", "paired", {}, {"served": number}, ())
    with pytest.raises(ReportError):
        loads(dumps(report))


def test_a_mark_is_read_as_it_was_written_or_refused() -> None:
    assert loads_mark(orjson.dumps(["0f", 7])) == Mark("0f", 7)
    for body in (b"", b"7", b"[]", b'["customer text",7]', b'["0f",-1]', b'["0f",true]'):
        with pytest.raises(ReportError) as raised:
            loads_mark(body)
        assert "customer" not in str(raised.value)
