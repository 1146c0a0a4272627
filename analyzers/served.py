"""Whether an arm answered at all.

Detects: no connection, a broken connection or stream, an answer unfinished at the deadline, HTTP 5xx, 429 and 503
under labels of their own, a 2xx body that is not what the API promises, and any other non-2xx status. A 4xx on one
arm is a failure of that arm: it refused as invalid what the other took (a shorter context, another chat template, a
feature its quantized kernels lack). A 4xx on both is a failure of both and no slip.

Cannot tell: whether the answer is any good. An answer too large to capture, or one given up because the client
left, says nothing about the arm and counts as good.

Source: RFC 9110 section 15 for the statuses; `analyzers.reading` for broken streams.
"""

from __future__ import annotations

from typing import ClassVar

from analyzers.finding import GOOD, PerAnswer, Score
from analyzers.pair import End, Exchange, Request

_ENDS = {End.REFUSED: "no_connection", End.RESET: "broken", End.DEADLINE: "deadline"}
RATE_LIMITED = "http_429"
"""The label of an arm that said that somebody has asked too much."""
_STATUSES = {429: RATE_LIMITED, 503: "http_503"}


class Served(PerAnswer):
    """F = 1 where there is no answer to judge."""

    name: ClassVar[str] = "served"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = ("served",)
    labels: ClassVar[frozenset[str]] = frozenset(
        {"ok", "http_other", "http_4xx", "http_5xx", "unreadable", *_ENDS.values(), *_STATUSES.values()}
    )
    scores_unserved: ClassVar[bool] = True

    def variable(self, request: Request) -> str:
        """Every mirrored request."""
        return "served"

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        if answer.end in _ENDS:
            return Score(1.0, _ENDS[answer.end])
        if answer.end is not End.COMPLETE:
            return GOOD
        if answer.status is None:
            return Score(1.0, "broken")
        if 200 <= answer.status < 300:
            return GOOD if answer.readable else Score(1.0, "unreadable")
        return Score(1.0, _status_label(answer.status))


def _status_label(status: int) -> str:
    if label := _STATUSES.get(status):
        return label
    if status >= 500:
        return "http_5xx"
    return "http_4xx" if status >= 400 else "http_other"
