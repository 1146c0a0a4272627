from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.pair import End
from analyzers.reading import read_pair
from proxy.replay.rows import CHAT, RowError, complete, read, write

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "6 * 7 = ?"}]}
ANSWER = {"status": 200, "body": {"choices": [{"index": 0, "message": {"content": "42"}}]}}
STREAM = {
    "status": 200,
    "content_type": "text/event-stream",
    "text": 'data: {"choices": [{"index": 0, "delta": {"content": "43"}}]}\n\ndata: [DONE]\n\n',
}


def row(**fields: Any) -> bytes:
    return orjson.dumps({"request": REQUEST, **fields})


def test_a_row_is_read_as_the_gateway_would_have_captured_it() -> None:
    told = row(
        baseline=ANSWER,
        candidate=STREAM,
        repeat={"end": "deadline"},
        headers={"X-Slipgauge-Gold": "42", "Cookie": "c"},
    )
    captured = read(told, 7)
    pair = read_pair(captured)

    assert (captured.pair_id, captured.session, captured.path) == ("7", "7", CHAT)
    assert pair.request.body == REQUEST
    assert pair.request.headers == {"x-slipgauge-gold": "42"}
    assert (pair.baseline.choices[0].text, pair.candidate.choices[0].text) == ("42", "43")
    assert pair.repeat is not None
    assert pair.repeat.end is End.DEADLINE
    assert complete(captured)


def test_a_row_without_an_answer_is_a_request_to_be_sent() -> None:
    assert not complete(read(row(), 1))
    assert not complete(read(row(baseline=ANSWER), 1))


@pytest.mark.parametrize(
    "told",
    [
        {"baseline": ANSWER, "candidate": STREAM, "id": "a", "session": "s", "path": "/v1/completions"},
        {"baseline": ANSWER, "candidate": {"end": "reset"}, "repeat": ANSWER, "headers": {"x-slipgauge-gold": "1"}},
        {
            "baseline": {"status": 500, "content_type": "text/plain", "text": "no\ud7ff"},
            "candidate": {"end": "refused"},
        },
        {},
    ],
)
def test_what_is_written_is_read_again(told: dict[str, Any]) -> None:
    captured = read(row(**told), 1)
    line = write(captured)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert read(line, 2) == captured


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "is no JSON"),
        (b"[]", "should be an object with a `request`"),
        (b'{"request": 5}', "should be an object with a `request`"),
        (row(id=5), "`id` should be text"),
        (row(headers=[]), "`headers` should be"),
        (row(baseline=5), "`baseline` should be an object"),
        (row(baseline={"end": "gone"}), "`baseline.end` should be one of refused, reset, deadline"),
        (row(baseline={"end": ["reset"]}), "`baseline.end` should be one of refused, reset, deadline"),
        (row(candidate={"status": "200"}), "`candidate.status` should be"),
        (row(candidate={"status": 200}), "`candidate` should have a `body`"),
        (row(repeat={"status": 200, "text": "", "content_type": 5}), "`repeat.content_type` should be"),
    ],
)
def test_a_bad_row_says_what_would_be_right(line: bytes, why: str) -> None:
    with pytest.raises(RowError, match=why):
        read(line, 1)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 600) | st.text(max_size=5),
        lambda c: (
            st.lists(c, max_size=3)
            | st.dictionaries(st.sampled_from(["request", "baseline", "status", "body", "text", "end", "id"]), c)
        ),
    )
)
def test_any_json_is_a_row_or_refused(told: Any) -> None:
    try:
        read(orjson.dumps(told), 1)
    except RowError:
        return
