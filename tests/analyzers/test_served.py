from __future__ import annotations

import pytest

from analyzers.pair import End, Exchange
from analyzers.served import Served
from tests.analyzers.exchanges import ask, said


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        (said("hi"), "ok"),
        (Exchange(End.COMPLETE, 200, readable=False), "unreadable"),
        (Exchange(End.COMPLETE, 500), "http_5xx"),
        (Exchange(End.COMPLETE, 503), "http_503"),
        (Exchange(End.COMPLETE, 429), "http_429"),
        (Exchange(End.COMPLETE, 400), "http_4xx"),
        (Exchange(End.COMPLETE, 307), "http_other"),
        (Exchange(End.COMPLETE), "broken"),
        (Exchange(End.REFUSED), "no_connection"),
        (Exchange(End.RESET, 200), "broken"),
        (Exchange(End.DEADLINE, 200), "deadline"),
        (Exchange(End.TOO_LARGE, 200), "ok"),
        (Exchange(End.ABORTED), "ok"),
    ],
)
def test_an_answer_is_served_or_says_why_not(answer: Exchange, label: str) -> None:
    score = Served().failure(ask("hi"), answer)
    assert (score.label, score.failed) == (label, float(label != "ok"))
